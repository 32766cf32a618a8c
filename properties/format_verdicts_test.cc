// The history of fixtures/histories, as each registered format writes it, gets the same verdicts from the laws: without
// rows from all of them, and with rows from those that ask for some.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fixtures/histories/code/history.h"
#include "harness/postgres/test_server.h"
#include "harness/verify/verify.h"
#include "migrations/format.h"

namespace migproof {
namespace {

// The law and the place of the revision, "" for the history.
using VerdictKey = std::pair<std::string, std::string>;

// Tools that run each step in a transaction, whatever it holds: the step that no transaction can hold is a plain one
// there, and leaves nothing when it fails.
const std::set<std::string> kTransactionsOnly = {"authelia", "maragudk"};

// The tool itself takes an INVALID index away before it creates it again, and marks a step that did not end.
const std::set<std::string> kMendsIndexes = {"sourcegraph"};

std::map<VerdictKey, Outcome> VerdictsOf(const std::string& format, int cases, const std::vector<std::string>& laws) {
  const std::filesystem::path directory =
      std::filesystem::path(MIGPROOF_SOURCE_DIR) / "fixtures" / "histories" / format;
  ToolSettings settings;
  settings.directory = directory;
  const Subject subject(format, directory, {}, Registry<Format>::Get(format).ReadWith(settings), settings);
  VerifyOptions options;
  options.laws = laws;
  options.rows.cases = cases;
  options.jobs = 1;
  TestServer();  // started here: the worker that runs the history ends with it
  options.factory = LendTestServer;
  std::map<VerdictKey, Outcome> verdicts;
  for (const Verdict& verdict : Verify(subject, options, nullptr).verdicts) {
    std::string place;
    for (std::size_t i = 0; i < subject.order().size(); ++i) {
      if (subject.order()[i]->id == verdict.revision) place = std::to_string(i + 1);
    }
    EXPECT_EQ(place.empty(), verdict.revision.empty()) << verdict.revision;
    EXPECT_NE(verdict.outcome, Outcome::kError) << verdict.law << " " << place << ": " << verdict.reason;
    verdicts[{verdict.law, place}] = verdict.outcome;
  }
  // Whether a name is drawn that is too long for an index is a matter of luck.
  if (cases > 0) verdicts.erase({"upgrade_succeeds", "2"});
  return verdicts;
}

class FormatVerdicts : public testing::TestWithParam<std::string> {
 protected:
  // Where the format's own tool runs the steps, the laws that send scripts themselves have nothing to send.
  void ExpectTheSame(const std::map<VerdictKey, Outcome>& wanted, const std::map<VerdictKey, Outcome>& found) const {
    ToolSettings settings;
    settings.directory = std::filesystem::path(MIGPROOF_SOURCE_DIR) / "fixtures" / "histories" / GetParam();
    const bool has_tool = Registry<Format>::Get(GetParam()).MakeTool(settings) != nullptr;
    ASSERT_EQ(found.size(), wanted.size());
    for (const auto& [key, outcome] : wanted) {
      ASSERT_TRUE(found.contains(key)) << key.first << " " << key.second;
      if (has_tool && found.at(key) == Outcome::kNotApplicable) continue;
      const bool half_way = key == VerdictKey{"atomic_failure", "2"} &&
                            (kTransactionsOnly.contains(GetParam()) || kMendsIndexes.contains(GetParam()));
      EXPECT_EQ(found.at(key), half_way ? Outcome::kHeld : outcome) << key.first << " " << key.second;
    }
  }
};

TEST_P(FormatVerdicts, AreThoseOfTheNativeFormatWithoutRows) {
  static const std::map<VerdictKey, Outcome> kWanted = VerdictsOf("native", 0, {});
  EXPECT_EQ(kWanted.at({"atomic_failure", "2"}), Outcome::kFalsified);
  EXPECT_EQ(kWanted.at({"round_trip", "3"}), Outcome::kHeld);
  EXPECT_EQ(kWanted.at({"round_trip", "4"}), Outcome::kNotApplicable);
  ExpectTheSame(kWanted, VerdictsOf(GetParam(), 0, {}));
}

TEST_P(FormatVerdicts, AreThoseOfTheNativeFormatWithRows) {
  const std::vector<std::string> laws = {"upgrade_succeeds", "round_trip", "data_preservation"};
  static const std::map<VerdictKey, Outcome> kWanted = VerdictsOf("native", 20, laws);
  EXPECT_EQ(kWanted.at({"upgrade_succeeds", "3"}), Outcome::kFalsified);
  EXPECT_EQ(kWanted.at({"round_trip", "3"}), Outcome::kFalsified);
  ExpectTheSame(kWanted, VerdictsOf(GetParam(), 20, laws));
}

INSTANTIATE_TEST_SUITE_P(Formats, FormatVerdicts, testing::ValuesIn(Registry<Format>::Names()), [](const auto& format) {
  std::string name = format.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace migproof
