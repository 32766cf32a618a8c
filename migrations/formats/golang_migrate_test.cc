#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "ci/expect_error.h"
#include "ci/temp_directory.h"
#include "migrations/format.h"
#include "migrations/history.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Format& Golang() { return Registry<Format>::Get("golang-migrate"); }

std::string GolangComplaint(const TempDirectory& directory) {
  const Error error = ErrorOf([&] { Golang().Read(directory.path()); });
  EXPECT_EQ(error.kind(), ErrorKind::kHistory);
  return error.Render();
}

TEST(GolangMigrate, ReadsPairsInTheOrderOfTheirNumbers) {
  const TempDirectory directory;
  directory.Write("10_create_groups.up.sql", "CREATE TABLE groups (id int);\n-- migproof: owns groups\n");
  directory.Write("10_drop_the_groups.down.sql", "-- migproof: irreversible \"why\"\nDROP TABLE groups;");
  directory.Write("000009_first.up.sql", "SELECT 1; SELECT 2;");
  directory.Write("11_no_down.up.sql", "SELECT 1;");
  directory.Write("12_empty_down.up.sql", "SELECT 1;");
  directory.Write("12_empty_down.down.sql", "-- nothing\n");
  directory.Write("README.md", "ignored by the tool");
  directory.Write("V13.Name.up.sql", "ignored by the tool");
  directory.Write("14-dash.up.sql", "ignored by the tool");
  directory.Write("15_dir.up.sql/x", "ignored by the tool");
  const std::vector<Revision> revisions = Golang().Read(directory.path());
  ASSERT_EQ(revisions.size(), 4U);
  EXPECT_EQ(revisions[0].id, "000009_first");
  EXPECT_EQ(revisions[0].ledger_key, "9");
  EXPECT_TRUE(revisions[0].parents.empty());
  EXPECT_FALSE(revisions[0].downgrade);
  EXPECT_EQ(revisions[1].id, "10_create_groups");
  EXPECT_EQ(revisions[1].title, "create groups");
  EXPECT_THAT(revisions[1].parents, ElementsAre("000009_first"));
  EXPECT_EQ(revisions[1].upgrade.execution, Execution::kOneQuery);
  ASSERT_TRUE(revisions[1].downgrade);
  EXPECT_EQ(revisions[1].declarations.size(), 2U);
  EXPECT_FALSE(revisions[2].downgrade);
  ASSERT_TRUE(revisions[3].downgrade);
  EXPECT_TRUE(revisions[3].downgrade->script.empty());
  EXPECT_TRUE(History(revisions).IsLinear());
}

TEST(GolangMigrate, TheTitleIsAsLongAsThePatternLets) {
  const TempDirectory directory;
  directory.Write("1_a.up.down.sql", "SELECT 1;");  // ends in .down.
  directory.Write("1_a.up.sql", "SELECT 1;");
  directory.Write("2_.up.sql", "SELECT 1;");
  const std::vector<Revision> revisions = Golang().Read(directory.path());
  ASSERT_EQ(revisions.size(), 2U);
  EXPECT_EQ(revisions[0].id, "1_a");
  EXPECT_TRUE(revisions[0].downgrade);
  EXPECT_EQ(revisions[1].id, "2_");
}

TEST(GolangMigrate, RefusesAVersionThatIsThereTwice) {
  const TempDirectory directory;
  directory.Write("000002_b.up.sql", "");
  directory.Write("2_a.up.sql", "");
  const std::string complaint = GolangComplaint(directory);
  EXPECT_THAT(complaint, HasSubstr("version 2 is there twice"));
  EXPECT_THAT(complaint, HasSubstr("000002_b.up.sql'"));
  EXPECT_THAT(complaint, HasSubstr("/2_a.up.sql'"));
}

TEST(GolangMigrate, RefusesADownWithoutAnUp) {
  const TempDirectory directory;
  directory.Write("2_a.down.sql", "");
  EXPECT_THAT(GolangComplaint(directory), HasSubstr("2_a.down.sql: version 2 has a down file and no up file"));
}

TEST(GolangMigrate, RefusesHalvesInAnotherLanguageAndVersionsBeyondTheLedger) {
  const TempDirectory directory;
  directory.Write("3_code.up.go", "");
  EXPECT_THAT(GolangComplaint(directory), HasSubstr("3_code.up.go' is a migration that is not SQL"));
  const TempDirectory wide;
  wide.Write("99999999999999999999_x.up.sql", "");
  EXPECT_THAT(GolangComplaint(wide), HasSubstr("version '99999999999999999999' does not fit the ledger's bigint"));
}

TEST(GolangMigrate, UnknownDirectivesAreRefused) {
  const TempDirectory directory;
  directory.Write("1_a.up.sql", "-- migproof: idempotant\n");
  EXPECT_THAT(GolangComplaint(directory), HasSubstr("1_a.up.sql:1: unknown word 'idempotant'"));
}

TEST(GolangMigrate, MakesTheNextNumber) {
  Revision wanted;
  wanted.title = "Add more groups";
  EXPECT_EQ(Golang().MakeRevision(wanted)[0].path, "000001_Add_more_groups.up.sql");
  wanted.parents = {"0099_x"};
  EXPECT_EQ(Golang().MakeRevision(wanted)[1].path, "0100_Add_more_groups.down.sql");
  wanted.parents = {"0099_x", "0100_y"};
  EXPECT_EQ(ErrorOf([&] { Golang().MakeRevision(wanted); }).kind(), ErrorKind::kUsage);
}

TEST(GolangMigrate, LedgerWritesWhatTheToolWrites) {
  const TempDirectory directory;
  for (const char* name : {"000005_a.up.sql", "7_b.up.sql"}) directory.Write(name, "");
  const History history(Golang().Read(directory.path()));
  const auto ledger = Golang().MakeLedger();
  const Revision& first = history.Get("000005_a");
  const Revision& second = history.Get("7_b");
  const std::string truncate = "TRUNCATE public.schema_migrations";
  const auto row = [](const std::string& values) {
    return "INSERT INTO public.schema_migrations (version, dirty) VALUES (" + values + ")";
  };
  EXPECT_THAT(ledger->BeforeSql({Direction::kUpgrade, &second}, history), ElementsAre(truncate, row("7, true")));
  EXPECT_THAT(ledger->AfterSql({Direction::kUpgrade, &second}, history), ElementsAre(truncate, row("7, false")));
  EXPECT_THAT(ledger->BeforeSql({Direction::kDowngrade, &second}, history), ElementsAre(truncate, row("5, true")));
  EXPECT_THAT(ledger->AfterSql({Direction::kDowngrade, &second}, history), ElementsAre(truncate, row("5, false")));
  EXPECT_THAT(ledger->BeforeSql({Direction::kDowngrade, &first}, history), ElementsAre(truncate, row("-1, true")));
  EXPECT_THAT(ledger->AfterSql({Direction::kDowngrade, &first}, history), ElementsAre(truncate));
  EXPECT_TRUE(ledger->BeforeSql({Direction::kStamp, &second}, history).empty());
  EXPECT_THAT(ledger->AfterSql({Direction::kStamp, &second}, history), ElementsAre(truncate, row("7, false")));
  EXPECT_THAT(ledger->ForgetSql(second, history), ElementsAre(truncate, row("5, false")));
}

TEST(GolangMigrate, ReadsPublicHistories) {
  const char* corpora = std::getenv("MIGPROOF_CORPORA");  // NOLINT(concurrency-mt-unsafe)
  if (corpora == nullptr) GTEST_SKIP() << "MIGPROOF_CORPORA names no directory with public histories";
  EXPECT_EQ(History(Golang().Read(std::filesystem::path(corpora) / "mattermost")).size(), 158U);
  EXPECT_EQ(History(Golang().Read(std::filesystem::path(corpora) / "chirpstack_as")).size(), 60U);
}

}  // namespace
}  // namespace migproof
