// Public histories, whose answers are known from a second program: fixtures/public/<name>.json lists the revisions
// whose round trip fails there. The histories themselves are not part of this repository (MIGPROOF_CORPORA names their
// directory).
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "ci/temp_directory.h"
#include "harness/verify/verify.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;

class PublicHistory : public testing::TestWithParam<std::string> {};

TEST_P(PublicHistory, FailsWhereItIsKnownToFailAndNowhereElse) {
  const char* corpora = std::getenv("MIGPROOF_CORPORA");
  if (corpora == nullptr || !fs::is_directory(fs::path(corpora) / GetParam())) {
    GTEST_SKIP() << "MIGPROOF_CORPORA names no directory with " << GetParam();
  }
  std::ifstream file(fs::path(MIGPROOF_SOURCE_DIR) / "fixtures/public" / (GetParam() + ".json"));
  const auto known = nlohmann::json::parse(file);
  const std::string format = known.at("format");
  const fs::path directory = fs::path(corpora) / GetParam();
  const TempDirectory scratch;
  std::vector<fs::path> before;
  if (known.contains("before")) before.push_back(scratch.Write("before.sql", known.at("before")));
  const Subject subject(format, directory, before, Registry<Format>::Get(format).Read(directory));
  EXPECT_EQ(subject.order().size(), known.at("revisions").get<std::size_t>());

  VerifyOptions options;
  options.rows.cases = 0;  // the second program looked at empty tables
  options.laws = {"upgrade_succeeds", "data_preservation", "round_trip", "idempotent_upgrade", "schema_fidelity"};
  const Report report = Verify(subject, options, nullptr);
  std::vector<std::string> falsified;
  for (const Verdict& verdict : report.verdicts) {
    const bool quiet = verdict.outcome == Outcome::kHeld || verdict.outcome == Outcome::kNotApplicable;
    if (verdict.law == "round_trip" && verdict.outcome == Outcome::kFalsified) {
      if (!verdict.revision.empty()) falsified.push_back(verdict.revision);
    } else {
      EXPECT_TRUE(quiet) << verdict.law << " " << verdict.revision << ": " << Name(verdict.outcome) << " "
                         << verdict.reason;
    }
  }
  EXPECT_EQ(falsified, known.at("round_trip_falsified").get<std::vector<std::string>>());
}

// Failures, races and other environments: minutes for each history.
TEST_P(PublicHistory, StandsFailuresAndCompanyButWhereItIsKnownNotTo) {
  const char* corpora = std::getenv("MIGPROOF_CORPORA");
  if (corpora == nullptr || !fs::is_directory(fs::path(corpora) / GetParam())) {
    GTEST_SKIP() << "MIGPROOF_CORPORA names no directory with " << GetParam();
  }
  if (std::getenv("MIGPROOF_THOROUGH") == nullptr) GTEST_SKIP() << "MIGPROOF_THOROUGH asks for it";
  std::ifstream file(fs::path(MIGPROOF_SOURCE_DIR) / "fixtures/public" / (GetParam() + ".json"));
  const auto known = nlohmann::json::parse(file);
  const std::string format = known.at("format");
  const fs::path directory = fs::path(corpora) / GetParam();
  const TempDirectory scratch;
  std::vector<fs::path> before;
  if (known.contains("before")) before.push_back(scratch.Write("before.sql", known.at("before")));
  const Subject subject(format, directory, before, Registry<Format>::Get(format).Read(directory));
  VerifyOptions options;
  options.laws = {"atomic_failure",  "session_isolation", "concurrent_runners",
                  "stamp_agreement", "determinism",       "offline_agreement"};
  std::map<std::string, std::vector<std::string>> falsified;
  for (const Verdict& verdict : Verify(subject, options, nullptr).verdicts) {
    const bool quiet = verdict.outcome == Outcome::kHeld || verdict.outcome == Outcome::kNotApplicable;
    if (verdict.outcome == Outcome::kFalsified) {
      falsified[verdict.law].push_back(verdict.revision);
    } else {
      EXPECT_TRUE(quiet) << verdict.law << " " << verdict.revision << ": " << verdict.reason;
    }
  }
  EXPECT_EQ(falsified, (known.at("beyond_falsified").get<std::map<std::string, std::vector<std::string>>>()));
}

INSTANTIATE_TEST_SUITE_P(Known, PublicHistory,
                         testing::Values("authelia", "bitmagnet", "chirpstack_as", "crates_io", "docs_rs", "ggircs",
                                         "horizon", "hydra", "mattermost", "openfga", "schemaverse", "sg_frontend",
                                         "vaultwarden"),
                         [](const auto& instance) { return instance.param; });

}  // namespace
}  // namespace migproof
