// What a tool has for a look of its own at an upgrade belongs to upgrade_succeeds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "ci/temp_directory.h"
#include "harness/verify/verify.h"
#include "migrations/format.h"

namespace migproof {
namespace {

using testing::HasSubstr;

constexpr const char* kPlan =
    "%project=shop\n\n"
    "good 2024-01-02T03:04:05Z Ada <ada@example.org>\n"
    "bad 2024-01-02T03:04:05Z Ada <ada@example.org>\n"
    "none 2024-01-02T03:04:05Z Ada <ada@example.org>\n";

// The verdicts of upgrade_succeeds by revision.
std::map<std::string, Verdict> VerdictsOf(const std::filesystem::path& directory) {
  const Subject subject("sqitch", directory, {}, Registry<Format>::Get("sqitch").Read(directory));
  VerifyOptions options;
  options.laws = {"upgrade_succeeds"};
  std::map<std::string, Verdict> verdicts;
  for (const Verdict& verdict : Verify(subject, options, nullptr).verdicts) verdicts.emplace(verdict.revision, verdict);
  return verdicts;
}

void ExpectTheBadOneIsFound(const std::map<std::string, Verdict>& verdicts, const std::string& verify_script) {
  EXPECT_EQ(verdicts.at("good").outcome, Outcome::kHeld);
  EXPECT_EQ(verdicts.at("good").exercised.at("verify scripts"), 1);
  EXPECT_EQ(verdicts.at("none").outcome, Outcome::kHeld);
  EXPECT_FALSE(verdicts.at("none").exercised.contains("verify scripts"));
  ASSERT_EQ(verdicts.at("bad").outcome, Outcome::kFalsified);
  const Finding& finding = verdicts.at("bad").finding.value();
  EXPECT_EQ(finding.message, "the verify script fails: division by zero (SQLSTATE 22012)");
  EXPECT_EQ(finding.location, (SourceLocation{verify_script, 3}));
  EXPECT_THAT(finding.evidence.at(0), HasSubstr("SELECT 1 / count(*) FROM t"));
}

class VerifyScripts : public testing::Test {
 protected:
  VerifyScripts() {
    directory_.Write("sqitch.plan", kPlan);
    directory_.Write("deploy/good.sql", "BEGIN;\nCREATE TABLE t (a int);\nCOMMIT;");
    directory_.Write("verify/good.sql", "BEGIN;\nINSERT INTO t VALUES (1);\nROLLBACK;");
    directory_.Write("deploy/none.sql", "BEGIN;\nALTER TABLE t ADD b int;\nCOMMIT;");
  }
  std::string WriteBad(const std::string& deploy, const std::string& verify) {
    directory_.Write("deploy/bad.sql", deploy);
    return directory_.Write("verify/bad.sql", verify).string();
  }
  TempDirectory directory_;
};

TEST_F(VerifyScripts, RunBehindTheUpgradeAndAreUndone) {
  const std::string file = WriteBad("BEGIN;\nCOMMENT ON TABLE t IS 't';\nCOMMIT;",
                                    "BEGIN;\n-- empty still\nSELECT 1 / count(*) FROM t;\nROLLBACK;");
  ExpectTheBadOneIsFound(VerdictsOf(directory_.path()), file);
}

TEST_F(VerifyScripts, RunWithCommitsWhereTheyMoveTransactionsThemselves) {
  const std::string file = WriteBad("COMMENT ON TABLE t IS 't';", "BEGIN; ROLLBACK;\n\nSELECT 1 / count(*) FROM t;");
  ExpectTheBadOneIsFound(VerdictsOf(directory_.path()), file);
}

TEST_F(VerifyScripts, TheRegistrysNamespaceIsNotMissedInAModel) {
  WriteBad("COMMENT ON TABLE t IS 't';", "SELECT 1;");
  Subject subject("sqitch", directory_.path(), {}, Registry<Format>::Get("sqitch").Read(directory_.path()));
  subject.ReadModel(directory_.Write("model.sql", "CREATE TABLE t (a int, b int); COMMENT ON TABLE t IS 't';"));
  VerifyOptions options;
  options.laws = {"schema_fidelity"};
  const Report report = Verify(subject, options, nullptr);
  ASSERT_EQ(report.verdicts.size(), 1U);
  EXPECT_EQ(report.verdicts[0].outcome, Outcome::kHeld) << ToJson(report.verdicts[0]).dump();
}

TEST_F(VerifyScripts, RunByPsqlWhereOnlyThatCan) {
  const std::string file =
      WriteBad("COMMENT ON TABLE t IS 't';", "\\set divisor count(*)\n\nSELECT 1 / count(*) FROM t;");
  ExpectTheBadOneIsFound(VerdictsOf(directory_.path()), file);
}

}  // namespace
}  // namespace migproof
