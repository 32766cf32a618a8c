// Reports for the tests of reporters.
#pragma once

#include <string>

#include "harness/report/report.h"

namespace migproof {

// Three revisions, the last one after a branch; no verdicts.
inline Report ReportForTest() {
  Report report;
  report.server = "PostgreSQL 15.20 (local)";
  report.format = "native";
  report.directory = "db";
  report.revisions = 4;
  report.heads = {"r4"};
  report.run = "0123456789abcdef";
  report.graph = {{"r1", "orders", {}, {}, {"db/1.sql", 1}},
                  {"r2", "left", {"r1"}, {}, {"db/2.sql", 1}},
                  {"r3", "right", {"r1"}, {}, {"db/3.sql", 1}},
                  {"r4", "both", {"r2", "r3"}, {"r1"}, {"db/4.sql", 1}}};
  return report;
}

inline Counterexample CounterexampleForTest(const std::string& name, const std::string& value) {
  Counterexample counterexample;
  counterexample.rows.tables = {{name, {"id", "note"}, {{"1", value}}, 0}};
  counterexample.is = {Move::kUpgrade, Move::kDowngrade};
  counterexample.signature = "rows public.orders";
  const TableRows before{.columns = {"id", "note"}, .rows = {{"1", value}}, .count = 1};
  const TableRows after{.columns = {"id", "note"}, .rows = {{"1", std::nullopt}}, .count = 1};
  counterexample.shown = {{"before", name, before}, {"after upgrade, downgrade", name, after}};
  counterexample.evaluations = 12;
  counterexample.script = "INSERT INTO " + name + " VALUES (1, '" + value + "');\n";
  return counterexample;
}

// A verdict of every outcome, with and without rows, one of them waived, one of them about the history.
inline Report ReportOfAllOutcomes() {
  Report report = ReportForTest();
  report.law_sentences = {{"data_preservation", "an upgrade keeps every row"},
                          {"round_trip", "what goes up comes down"}};
  report.notes = {"the waiver of round_trip:r9#00000000 covers nothing in this run"};
  report.seconds = 1.5;
  Verdict lost{.law = "data_preservation", .revision = "r1", .outcome = Outcome::kFalsified};
  lost.finding = Finding{.message = "rows are lost", .location = {"db/1.sql", 7}, .hint = "declare it"};
  lost.finding->counterexample = CounterexampleForTest("public.orders", "x");
  lost.reproduction = "migproof verify --law data_preservation --revision r1";
  Verdict held{.law = "data_preservation", .revision = "r2", .outcome = Outcome::kHeld};
  held.exercised = {{"rows compared", 120}, {"upgrades", 3}};
  Verdict gave_up{.law = "data_preservation", .revision = "r3", .outcome = Outcome::kGaveUp};
  gave_up.reason = "a table stayed empty";
  Verdict none{.law = "round_trip", .revision = "r1", .outcome = Outcome::kNotApplicable};
  none.reason = "declared irreversible";
  Verdict left{.law = "round_trip", .revision = "r2", .outcome = Outcome::kFalsified};
  left.finding = Finding{.message = "the downgrade does not restore the catalog", .location = {"db/2.sql", 12}};
  left.finding->drift = {"+ enum public.mood: fine, sad", "- index public.orders_note_idx", "~ column public.t.a"};
  left.finding->evidence = {"db/2.sql:3: type \"mood\" already exists (SQLSTATE 42710)"};
  left.reproduction = "migproof verify --law round_trip --revision r2";
  left.waiver = "mended by hand (until 2099-01-31)";
  Verdict skipped{.law = "round_trip", .revision = "r3", .outcome = Outcome::kSkipped};
  skipped.reason = "the extension is missing";
  Verdict error{.law = "round_trip", .revision = "r4", .outcome = Outcome::kError};
  error.reason = "the connection was lost";
  Verdict whole{.law = "round_trip", .revision = "", .outcome = Outcome::kHeld};
  whole.exercised = {{"downgrades", 4}};
  report.verdicts = {lost, held, gave_up, none, left, skipped, error, whole};
  return report;
}

// Everything that a name, a message or a value can hold to mislead whoever shows it.
inline Report HostileReport() {
  const std::string hostile =  // NOLINTNEXTLINE(misc-misleading-bidirectional): what reporters must show harmless
      "</pre></script><script>alert('x')</script><img src=x onerror=alert(1)>\" '&amp; ]]> | ``` @all\n"
      "::set-env name=A::b\n%0A::error::c \x1b[31m \x07 \xE2\x80\xAE \xff ünï字😀";
  Report report = ReportForTest();
  report.directory = hostile;
  report.server = hostile;
  report.graph[1].id = hostile;
  report.graph[1].title = hostile;
  report.graph[1].where.file = hostile;
  report.law_sentences = {{"round_trip", hostile}};
  report.notes = {hostile};
  Verdict bad{.law = "round_trip", .revision = hostile, .outcome = Outcome::kFalsified};
  bad.finding = Finding{.message = hostile, .location = {hostile, 3}, .hint = hostile};
  bad.finding->drift = {"+ " + hostile};
  bad.finding->evidence = {hostile};
  bad.finding->counterexample = CounterexampleForTest(hostile, hostile);
  bad.finding->counterexample->shown[0].rows.columns = {hostile, "note"};
  bad.reached_past = {hostile};
  bad.reproduction = hostile;
  Verdict waived = bad;
  waived.revision = "";
  waived.waiver = hostile;
  Verdict skipped{.law = "round_trip", .revision = "r3", .outcome = Outcome::kSkipped, .reason = hostile};
  report.verdicts = {bad, skipped, waived};
  return report;
}

}  // namespace migproof
