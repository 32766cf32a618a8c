// Reports of real runs: JSON as its schema says and the same bytes each time, text as the golden file says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "ci/json_schema.h"
#include "ci/project.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::Contains;
using testing::IsEmpty;
using testing::Not;

const fs::path kReports = fs::path(MIGPROOF_SOURCE_DIR) / "fixtures/reports";

json ReadSchema() { return json::parse(std::ifstream(kReports / "report.schema.json")); }

// A history that gets verdicts of every kind but one that gave up: r2 leaves a type, what r3 asks for fails, r4 is
// what a test makes of it.
class EveryOutcome : public testing::Test {
 protected:
  EveryOutcome() {
    project_.SoundRevision();
    project_.Revision("r2", "r1", "CREATE TYPE mood AS ENUM ('fine');\nCREATE TABLE felt (how mood);",
                      "DROP TABLE felt;", "-- migproof: leaves table elsewhere");
    project_.Revision("r3", "r2", "CREATE TABLE u (id int);\nSELECT 1/0;", std::nullopt);
  }

  json Verify(const std::vector<std::string>& flags = {}) const {
    std::vector<std::string> arguments = flags;
    arguments.emplace_back("--report=json");
    const ProgramRun run = project_.Verify(arguments);
    json report = json::parse(run.out);
    EXPECT_EQ(report.at("summary").at("exit_status"), run.status);
    return report;
  }

  void AddFourth(const std::string& upgrade) const { project_.Revision("r4", "r3", upgrade, "SELECT 1;"); }

  static std::set<std::string> OutcomesIn(const json& report) {
    std::set<std::string> outcomes;
    for (const auto& verdict : report.at("verdicts")) outcomes.insert(verdict.at("outcome").get<std::string>());
    return outcomes;
  }

  const Project project_;
};

TEST_F(EveryOutcome, IsReportedAsTheSchemaSays) {
  const json schema = ReadSchema();
  json waivers = {{"waivers", json::array()}};
  waivers["waivers"].push_back({{"finding", "round_trip:r9#00000000"}, {"why", "gone"}, {"until", "2001-01-31"}});
  project_.Write("migproof-waivers.json", waivers.dump());
  const json falsified = Verify();
  EXPECT_THAT(SchemaComplaints(schema, falsified), IsEmpty());
  EXPECT_THAT(OutcomesIn(falsified), testing::IsSupersetOf({"held", "falsified", "not_applicable"}));
  EXPECT_EQ(falsified.at("notes").size(), 3U) << falsified.at("notes");

  AddFourth("\\echo hello");
  const json erroneous = Verify();
  EXPECT_THAT(SchemaComplaints(schema, erroneous), IsEmpty());
  EXPECT_THAT(OutcomesIn(erroneous), Contains("error"));

  AddFourth("CREATE EXTENSION nowhere_to_be_found;");
  const json skipped = Verify();
  EXPECT_THAT(SchemaComplaints(schema, skipped), IsEmpty());
  EXPECT_THAT(OutcomesIn(skipped), Contains("skipped"));
}

TEST_F(EveryOutcome, IsTheSameBytesEachTimeAndForAnyNumberOfWorkers) {
  AddFourth("CREATE EXTENSION nowhere_to_be_found;");
  const std::string once = project_.Verify({"--report=json", "--jobs=1", "--seed=7"}).out;
  EXPECT_EQ(project_.Verify({"--report=json", "--jobs=1", "--seed=7"}).out, once);
  EXPECT_EQ(project_.Verify({"--report=json", "--jobs=3", "--seed=7"}).out, once);
}

// So many that workers take them in stretches, as they get done; a role makes them begin again on another server.
TEST(ManyRevisions, AreTheSameBytesForAnyNumberOfWorkers) {
  for (const std::string first :
       {"CREATE TABLE t0 (id int)", "CREATE TABLE t0 (id int); CREATE ROLE migproof_of_many"}) {
    const Project project;
    project.Revision("r0", "", first + ";", "DROP TABLE t0;");
    for (int i = 1; i < 24; ++i) {
      const std::string down_too = i % 5 == 0 ? "SELECT 1;" : "DROP TABLE t" + std::to_string(i) + ";";
      project.Revision("r" + std::to_string(i), "r" + std::to_string(i - 1),
                       "CREATE TABLE IF NOT EXISTS t" + std::to_string(i) + " (id int PRIMARY KEY, note text);",
                       down_too);
    }
    const auto report = [&](const std::string& jobs) {
      return project.Verify({"--report=json", "--seed=7", "--cases=1", "--law=round_trip", "--no-save", jobs}).out;
    };
    const std::string once = report("--jobs=1");
    EXPECT_GE(json::parse(once).at("summary").at("falsified"), 5) << first;  // the four, and the way down
    EXPECT_EQ(report("--jobs=2"), once) << first;
  }
}

TEST_F(EveryOutcome, IsWrittenByAllReportersAskedFor) {
  const ProgramRun run = project_.Verify({"--report=text", "--report=json=out.json"});
  EXPECT_EQ(run.status, 1) << run;
  EXPECT_THAT(run.out, testing::HasSubstr("falsified  round_trip  r2"));
  EXPECT_THAT(SchemaComplaints(ReadSchema(), json::parse(std::ifstream(project_.path() / "out.json"))), IsEmpty());
}

// A small report that keeps the schema, and what breaks it.
class ReportSchema : public testing::Test {
 protected:
  static json Sound() {
    json report = json::parse(R"json({
      "verdicts": [
        {"law": "round_trip", "revision": "r1", "outcome": "held", "exercised": {"downgrades": 1}, "notes": [],
         "stale": [], "reached_past": []},
        {"law": "round_trip", "revision": "r2", "outcome": "falsified", "exercised": {}, "notes": ["n"], "stale": ["s"],
         "reached_past": ["r1"], "reproduction": "migproof verify", "waiver": "why (until 2099-01-31)",
         "finding": {
  "message" : "m",
              "location" : {"file" : "r2.sql", "line" : 1},
                           "drift" : ["+ table t"],
                                     "evidence" : ["e"],
                                                  "hint" : "h"}},
        {"law": "round_trip", "revision": "", "outcome": "skipped", "reason": "no extension", "exercised": {},
         "notes": [], "stale": [], "reached_past": []}],
      "summary": {"held": 1, "falsified": 0, "not_applicable": 0, "gave_up": 0, "skipped": 1, "error": 0, "waived": 1,
                  "exit_status": 2},
      "server": "PostgreSQL", "servers": [{"name": "15", "description": "PostgreSQL"}], "history": {
        "format": "native", "directory": "db", "revisions": 2, "heads": ["r2"],
        "graph": [{"id": "r2", "title": "t", "parents": ["r1"], "depends_on": ["r1"],
                   "location": {"file": "r2.sql", "line": 1}}]},
      "run": "0123456789abcdef", "shard": {"index": 1, "of": 1},
      "laws": {"round_trip": "s"}, "equivalence": "logical",
      "rows": {"tables": {}, "empty": [], "forbidden": 0}, "notes": []})json");
    return report;
  }

  void ExpectRefused(const char* pointer, const json& value) {
    json report = Sound();
    report[json::json_pointer(pointer)] = value;
    EXPECT_THAT(SchemaComplaints(schema_, report), Not(IsEmpty())) << pointer << " = " << value;
  }

  const json schema_ = ReadSchema();
};

TEST_F(ReportSchema, TakesASoundReport) { EXPECT_THAT(SchemaComplaints(schema_, Sound()), IsEmpty()); }

TEST_F(ReportSchema, RefusesEveryMissingKey) {
  const std::set<std::string> optional = {"/verdicts/1/waiver", "/verdicts/1/finding/hint"};
  const json flat = Sound().flatten();
  for (const auto& [path, unused] : flat.items()) {
    for (json::json_pointer pointer(path); !pointer.empty(); pointer.pop_back()) {
      const std::string& key = pointer.back();
      const json::json_pointer parent = pointer.parent_pointer();
      json report = Sound();
      const bool free = parent.to_string().ends_with("/exercised") || parent.to_string() == "/laws";
      if (!report.at(parent).is_object() || free || optional.contains(pointer.to_string())) continue;
      report.at(parent).erase(key);
      EXPECT_THAT(SchemaComplaints(schema_, report), Not(IsEmpty())) << pointer.to_string() << " is missing";
    }
  }
}

TEST_F(ReportSchema, RefusesUnknownKeysTypesAndNames) {
  for (const char* pointer : {"/extra", "/verdicts/0/extra", "/summary/extra", "/history/extra",
                              "/verdicts/1/finding/extra", "/verdicts/1/finding/location/extra"}) {
    ExpectRefused(pointer, 1);
  }
  ExpectRefused("/verdicts/0/outcome", "passed");
  ExpectRefused("/verdicts/0/finding", Sound().at("verdicts").at(1).at("finding"));
  ExpectRefused("/verdicts/0/reason", "held things need no reason");
  ExpectRefused("/verdicts/2/waiver", "nothing to waive");
  ExpectRefused("/verdicts/0/exercised/downgrades", -1);
  ExpectRefused("/verdicts/0/exercised/downgrades", "one");
  ExpectRefused("/summary/exit_status", 3);
  ExpectRefused("/history/revisions", 0);
  ExpectRefused("/history/graph/0/extra", 1);
  ExpectRefused("/shard/index", 0);
  ExpectRefused("/equivalence", "physic");
  ExpectRefused("/notes", "none");
}

// What differs from one run and machine to the next.
std::string Masked(const std::string& text) {
  const std::string without_times = std::regex_replace(text, std::regex(R"(\(\d+\.\d+ s\))"), "(<time>)");
  return std::regex_replace(without_times, std::regex(R"( on PostgreSQL \d[^\n]*)"), " on <server>");
}

// Written anew where MIGPROOF_BLESS is set, as CONTRIBUTING.md says.
TEST(TextReport, IsTheGoldenOne) {
  ProgramOptions options;
  options.directory = MIGPROOF_SOURCE_DIR;
  const ProgramRun run = RunProgram(
      {"verify", "--path=fixtures/round_trip/breaks/02_enum_left", "--law=upgrade_succeeds", "--law=round_trip"},
      options);
  EXPECT_EQ(run.status, 1) << run;
  const fs::path golden = kReports / "enum_left.txt";
  if (std::getenv("MIGPROOF_BLESS") != nullptr)
    std::ofstream(golden) << Masked(run.out);  // NOLINT(concurrency-mt-unsafe)
  std::stringstream wanted;
  wanted << std::ifstream(golden).rdbuf();
  EXPECT_EQ(Masked(run.out), wanted.str());
}

}  // namespace
}  // namespace migproof
