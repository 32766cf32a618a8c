// What every reporter must do, over all that are registered.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/report/printable.h"
#include "harness/report/report_for_test.h"
#include "harness/report/reporter.h"
#include "harness/report/waivers.h"

namespace migproof {
namespace {

using testing::HasSubstr;
using testing::Not;

Report AwkwardReport() {
  Report report = ReportForTest();
  report.revisions = 2;
  report.law_sentences = {{"round_trip", "what goes up comes down"}};
  Verdict held{.law = "round_trip", .revision = "r1", .outcome = Outcome::kHeld};
  held.exercised = {{"downgrades", 1}};
  Verdict falsified{.law = "round_trip", .revision = "r2", .outcome = Outcome::kFalsified};
  falsified.finding = Finding{.message = "left behind: \x01 \xff and \"quotes\" <b>", .location = {"db/2.sql", 3}};
  falsified.finding->drift = {"+ table public.\"odd & name\"", ""};
  falsified.finding->evidence = std::vector<std::string>(30, "- public.t: a=1");
  Verdict skipped{.law = "round_trip", .revision = "", .outcome = Outcome::kSkipped, .reason = "no such extension"};
  report.verdicts = {held, falsified, skipped};
  return report;
}

std::string Written(const Reporter& reporter, const Report& report, bool color = false) {
  std::ostringstream out;
  reporter.Write(report, {.color = color}, out);
  return out.str();
}

class ReporterConformance : public testing::TestWithParam<std::string> {
 protected:
  const Reporter& reporter() const { return Registry<Reporter>::Get(GetParam()); }
};

TEST_P(ReporterConformance, WritesTheSameBytesForTheSameReport) {
  EXPECT_EQ(Written(reporter(), AwkwardReport()), Written(reporter(), AwkwardReport()));
  EXPECT_EQ(Written(reporter(), ReportOfAllOutcomes()), Written(reporter(), ReportOfAllOutcomes()));
}

TEST_P(ReporterConformance, WritesTheSameForAReportThatWasReadBack) {
  Report report = ReportOfAllOutcomes();
  report.seconds = 0;  // not part of the JSON report
  EXPECT_EQ(Written(reporter(), ReportFromJson(ToJson(report), "test")), Written(reporter(), report));
}

TEST_P(ReporterConformance, NamesEveryFindingAndReason) {
  const std::string text = Written(reporter(), AwkwardReport());
  for (const char* told : {"round_trip", "r2", "left behind", "no such extension", "db/2.sql"}) {
    EXPECT_THAT(text, HasSubstr(told));
  }
  EXPECT_TRUE(text.find("odd & name") != std::string::npos || text.find("odd &amp; name") != std::string::npos) << text;
  const std::string all = Written(reporter(), ReportOfAllOutcomes());
  for (const char* told : {"rows are lost", "a table stayed empty", "extension is missing", "connection was lost"}) {
    EXPECT_THAT(all, HasSubstr(told));
  }
}

TEST_P(ReporterConformance, UsesNoColourUnlessAsked) {
  EXPECT_THAT(Written(reporter(), AwkwardReport()), Not(HasSubstr("\x1b")));
}

TEST_P(ReporterConformance, WritesAnEmptyReport) { EXPECT_FALSE(Written(reporter(), {}).empty()); }

TEST_P(ReporterConformance, HasASummary) { EXPECT_FALSE(reporter().Summary().empty()); }

// Whatever names and values hold, what is written is text: UTF-8 without control characters or (but for programs, which
// want what was there) marks that turn the direction of reading.
TEST_P(ReporterConformance, WritesTextOnly) {
  for (const Report& report : {AwkwardReport(), HostileReport()}) {
    std::string text = Written(reporter(), report);
    const std::string turns = "\xE2\x80\xAE";
    for (std::size_t at; GetParam() == "json" && (at = text.find(turns)) != std::string::npos;) text.erase(at, 3);
    EXPECT_EQ(text, Printable(text));
  }
}

TEST_P(ReporterConformance, LetsNoNameBecomeMarkup) {
  const std::string text = Written(reporter(), HostileReport());
  if (GetParam() == "html" || GetParam() == "junit") {  // in Markdown it stands as code
    EXPECT_THAT(text, Not(HasSubstr("<script>alert")));
    EXPECT_THAT(text, Not(HasSubstr("<img src=x")));
  }
  if (GetParam() != "html") {  // which nobody sends to a job's output
    EXPECT_THAT(text, Not(HasSubstr("\n::set-env"))) << "a line of its own is a command to GitHub";
  }
}

TEST_P(ReporterConformance, TellsNothingOfTheEnvironment) {
  const auto set = [](const char* name, const char* value) {
    setenv(name, value, 1);
  };  // NOLINT(concurrency-mt-unsafe)
  set("DATABASE_URL", "postgresql://shop:hunter2@db/shop");
  set("PGPASSWORD", "hunter2");
  set("GITHUB_TOKEN", "hunter2");
  EXPECT_THAT(Written(reporter(), ReportOfAllOutcomes()), Not(HasSubstr("hunter2")));
  for (const char* name : {"DATABASE_URL", "PGPASSWORD", "GITHUB_TOKEN"}) unsetenv(name);  // NOLINT
}

// Accepted findings are told, but never in the same way as those that count.
TEST_P(ReporterConformance, TellsAWaiver) {
  Report report = AwkwardReport();
  const std::string counted = Written(reporter(), report);
  report.verdicts[1].waiver = "known (until 2099-01-01)";
  EXPECT_NE(Written(reporter(), report), counted);
}

INSTANTIATE_TEST_SUITE_P(All, ReporterConformance, testing::ValuesIn(Registry<Reporter>::Names()),
                         [](const auto& instance) { return instance.param; });

std::vector<std::string> Files(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(MIGPROOF_SOURCE_DIR) + "/" + directory)) {
    const std::string stem = entry.path().stem();
    if (entry.path().extension() == ".cc" && !stem.ends_with("_test")) names.push_back(stem);
  }
  std::sort(names.begin(), names.end());
  return names;
}

TEST(Reporters, AreOneFileEach) { EXPECT_EQ(Files("harness/report/reporters"), Registry<Reporter>::Names()); }

TEST(Printable, KeepsTextAndSpellsOutTheRest) {
  EXPECT_EQ(Printable("añ\t字\n😀"), "añ\t字\n😀");
  EXPECT_EQ(Printable("a\x1b[31m\r\x7f"), "a\\x1b[31m\\x0d\\x7f");
  EXPECT_EQ(Printable("\xC2\x85"), "\\x85") << "a control character beyond ASCII";
  EXPECT_EQ(Printable("a\xE2\x80\xAE"
                      "b"),
            "a\\u202eb");
  for (const char* invalid : {"\xff", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82"}) {
    EXPECT_THAT(Printable(invalid), HasSubstr("\xEF\xBF\xBD"));
    EXPECT_EQ(Printable(Printable(invalid)), Printable(invalid));
  }
  EXPECT_EQ(PrintableLine("a\nb\tc"), "a\\nb\\tc");
  EXPECT_EQ(ShellWord("round_trip:a1#0f"), "round_trip:a1#0f");
  EXPECT_EQ(ShellWord("it's $(here)"), "'it'\\''s $(here)'");
  EXPECT_EQ(ShellWord(""), "''");
}

TEST(ReportFromJson, RefusesWhatIsNoReport) {
  EXPECT_THROW(ReportFromJson(nlohmann::json::object(), "x.json"), Error);
  EXPECT_THROW(ReportFromJson(nlohmann::json::array(), "x.json"), Error);
}

TEST(ReportFromJson, ReadsAllThatIsWritten) {
  for (const Report& report : {AwkwardReport(), ReportOfAllOutcomes(), HostileReport()}) {
    EXPECT_EQ(ToJson(ReportFromJson(ToJson(report), "test")), ToJson(report));
  }
}

TEST(ExitStatus, IsNeverAPassForWhatWasNotChecked) {
  Report report;
  EXPECT_EQ(report.ExitStatus(), 2) << "nothing was checked";
  report.verdicts = {{.law = "l", .revision = "a", .outcome = Outcome::kHeld}};
  EXPECT_EQ(report.ExitStatus(), 0);
  report.verdicts.push_back({.law = "l", .revision = "b", .outcome = Outcome::kNotApplicable});
  EXPECT_EQ(report.ExitStatus(), 0);
  for (const Outcome outcome : {Outcome::kGaveUp, Outcome::kSkipped, Outcome::kError}) {
    Report unchecked = report;
    unchecked.verdicts.push_back({.law = "l", .revision = "c", .outcome = outcome});
    EXPECT_EQ(unchecked.ExitStatus(), 2) << Name(outcome);
    unchecked.verdicts.push_back({.law = "l", .revision = "d", .outcome = Outcome::kFalsified});
    EXPECT_EQ(unchecked.ExitStatus(), 1) << "a fault comes before what could not be checked";
  }
}

TEST(ExitStatus, AllowsAShardToHaveNothingToDo) {
  Report report;
  report.shard = {.index = 2, .of = 3};
  EXPECT_EQ(report.ExitStatus(), 0);
  report.verdicts = {{.law = "l", .revision = "c", .outcome = Outcome::kSkipped}};
  EXPECT_EQ(report.ExitStatus(), 2);
}

}  // namespace
}  // namespace migproof
