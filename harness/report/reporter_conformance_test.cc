// What every reporter must do, over all that are registered.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "harness/report/reporter.h"

namespace migproof {
namespace {

Report AwkwardReport() {
  Report report;
  report.server = "PostgreSQL 15.20 (local)";
  report.format = "native";
  report.directory = "db";
  report.revisions = 2;
  report.heads = {"r2"};
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

std::string Written(const Reporter& reporter, const Report& report, bool color) {
  std::ostringstream out;
  reporter.Write(report, {.color = color}, out);
  return out.str();
}

class ReporterConformance : public testing::TestWithParam<std::string> {
 protected:
  const Reporter& reporter() const { return Registry<Reporter>::Get(GetParam()); }
};

TEST_P(ReporterConformance, WritesTheSameBytesForTheSameReport) {
  EXPECT_EQ(Written(reporter(), AwkwardReport(), false), Written(reporter(), AwkwardReport(), false));
}

TEST_P(ReporterConformance, NamesEveryFindingAndReason) {
  const std::string text = Written(reporter(), AwkwardReport(), false);
  for (const char* told : {"round_trip", "r2", "left behind", "odd & name", "no such extension", "db/2.sql"}) {
    EXPECT_NE(text.find(told), std::string::npos) << told << " is not in:\n" << text;
  }
}

TEST_P(ReporterConformance, UsesNoColourUnlessAsked) {
  EXPECT_EQ(Written(reporter(), AwkwardReport(), false).find('\x1b'), std::string::npos);
}

TEST_P(ReporterConformance, WritesAnEmptyReport) { EXPECT_FALSE(Written(reporter(), {}, false).empty()); }

TEST_P(ReporterConformance, HasASummary) { EXPECT_FALSE(reporter().Summary().empty()); }

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

}  // namespace
}  // namespace migproof
