#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "ci/expect_error.h"
#include "ci/temp_directory.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "migrations/format.h"
#include "migrations/history.h"
#include "migrations/runner.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Format& Popx() { return Registry<Format>::Get("popx"); }

std::string PopxComplaint(const TempDirectory& directory) {
  const Error error = ErrorOf([&] { Popx().Read(directory.path()); });
  EXPECT_EQ(error.kind(), ErrorKind::kHistory);
  return error.Render();
}

std::vector<std::string> PopxTextsOf(const Section& section) {
  std::vector<std::string> texts;
  for (const Statement& statement : section.script.statements()) texts.emplace_back(section.script.Text(statement));
  return texts;
}

TEST(Popx, GroupsByTheFirst14DigitsAndUndoesInReverse) {
  const TempDirectory directory;
  directory.Write("20200101000000000000_first.up.sql", "SELECT 1");
  directory.Write("20200101000000000001_first.up.sql", "-- nothing\n\nSELECT 2; -- the end");
  directory.Write("20200101000000000000_first.down.sql", "SELECT -1;");
  directory.Write("deeper/20200101000000000001_first.down.sql", "SELECT -2;");
  directory.Write("20200202000000000000_second.up.sql", "SELECT 3;");
  directory.Write("20200202000000000000_second.down.sql", "");
  directory.Write("notes.md", "ignored by the tool");
  const std::vector<Revision> revisions = Popx().Read(directory.path());
  ASSERT_EQ(revisions.size(), 2U);
  EXPECT_EQ(revisions[0].id, "20200101000000_first");
  EXPECT_EQ(revisions[0].ledger_key, "20200101000000");
  EXPECT_THAT(PopxTextsOf(revisions[0].upgrade), ElementsAre("SELECT 1", "SELECT 2"));
  EXPECT_THAT(PopxTextsOf(*revisions[0].downgrade), ElementsAre("SELECT -2", "SELECT -1"));
  EXPECT_EQ(revisions[0].upgrade.execution, Execution::kTransaction);
  // Each statement stands where its file says.
  const Script& up = revisions[0].upgrade.script;
  EXPECT_EQ(up.At(up.statements()[0].begin).ToString(),
            (directory.path() / "20200101000000000000_first.up.sql").string() + ":1");
  EXPECT_EQ(up.At(up.statements()[1].begin + 7).ToString(),
            (directory.path() / "20200101000000000001_first.up.sql").string() + ":3");
  EXPECT_EQ(Script::Parse(up.text(), {}).statements().size(), 2U);
  EXPECT_THAT(revisions[1].parents, ElementsAre("20200101000000_first"));
  EXPECT_TRUE(revisions[1].downgrade);
}

TEST(Popx, TheFileForTheDialectWins) {
  const TempDirectory directory;
  directory.Write("20200101000000000000_a.up.sql", "SELECT 'any';");
  directory.Write("20200101000000000000_a.postgres.up.sql", "");
  directory.Write("20200101000000000000_a.cockroach.up.sql", "SELECT 'cockroach';");
  directory.Write("20200101000000000000_a.down.sql", "SELECT 'any';");
  directory.Write("20200101000000000000_a.mysql.down.sql", "SELECT 'mysql';");
  directory.Write("20200101000000000001_a.sqlite.up.sql", "SELECT 'another';");
  directory.Write("20200101000000000001_a.sqlite.down.sql", "SELECT 'another';");
  directory.Write("20200101000000000002_a.unheard.up.sql", "SELECT 'of';");
  const std::vector<Revision> revisions = Popx().Read(directory.path());
  ASSERT_EQ(revisions.size(), 1U);
  EXPECT_TRUE(revisions[0].upgrade.script.empty());
  EXPECT_THAT(PopxTextsOf(*revisions[0].downgrade), ElementsAre("SELECT 'any'"));
}

TEST(Popx, AutocommitHoldsForItsDirectionAndItsFile) {
  const TempDirectory directory;
  directory.Write("20200101000000000000_a.autocommit.up.sql", "CREATE INDEX CONCURRENTLY i ON t (a);");
  directory.Write("20200101000000000000_a.postgres.autocommit.down.sql", "DROP INDEX CONCURRENTLY i;");
  directory.Write("20200202000000000000_b.up.sql", "SELECT 1;\nSELECT 2;");
  directory.Write("20200202000000000001_b.autocommit.up.sql", "SELECT 3;");
  directory.Write("20200202000000000000_b.down.sql", "SELECT 4;");
  directory.Write("20200202000000000001_b.autocommit.down.sql", "-- nothing");
  const std::vector<Revision> revisions = Popx().Read(directory.path());
  ASSERT_EQ(revisions.size(), 2U);
  EXPECT_EQ(revisions[0].upgrade.execution, Execution::kOneQuery);
  EXPECT_EQ(revisions[0].downgrade->execution, Execution::kOneQuery);
  EXPECT_EQ(revisions[1].upgrade.execution, Execution::kStatements);
  EXPECT_THAT(PopxTextsOf(revisions[1].upgrade), ElementsAre("BEGIN", "SELECT 1", "SELECT 2", "COMMIT", "SELECT 3"));
  EXPECT_EQ(revisions[1].downgrade->execution, Execution::kTransaction);
}

TEST(Popx, RefusesWhatTheToolRefuses) {
  const TempDirectory twice;
  twice.Write("20200101000000000000_a.up.sql", "");
  twice.Write("20200101000000000000_b.up.sql", "");
  EXPECT_THAT(PopxComplaint(twice), HasSubstr("version 20200101000000000000 is there twice: '"));
  const TempDirectory alone;
  alone.Write("20200101000000000000_a.up.sql", "");
  EXPECT_THAT(PopxComplaint(alone), HasSubstr("_a.up.sql: version 20200101000000000000 has no down file"));
  for (const char* name : {"V1__a.sql", "20200101_a.sql", "20200101_a.postgres.commit.up.sql", "_a.up.sql"}) {
    const TempDirectory named;
    named.Write(name, "");
    EXPECT_THAT(PopxComplaint(named), HasSubstr(std::string(name) + "' is not named as the tool wants it"));
  }
}

TEST(Popx, ATemplatesPlaceholderIsNamed) {
  const TempDirectory directory;
  directory.Write("20200101000000000000_a.up.sql", "SELECT 1;\nSELECT '{{ .Parameters.x }}';");
  directory.Write("20200101000000000000_a.down.sql", "");
  EXPECT_THAT(PopxComplaint(directory),
              HasSubstr("_a.up.sql:2: the template placeholder '{{ .Parameters.x }}' can't be filled"));
}

TEST(Popx, UnknownDirectivesAreRefused) {
  const TempDirectory directory;
  directory.Write("20200101000000000000_a.up.sql", "-- migproof: idempotant\n");
  directory.Write("20200101000000000000_a.down.sql", "");
  EXPECT_THAT(PopxComplaint(directory), HasSubstr("_a.up.sql:1: unknown word 'idempotant'"));
}

TEST(Popx, TheLedgerHoldsEachVersionOfAGroup) {
  const TempDirectory directory;
  for (const char* version : {"20200101000000000000", "20200101000000000001", "20200202000000000000"}) {
    directory.Write(std::string(version) + "_a.up.sql", "SELECT 1;");
    directory.Write(std::string(version) + "_a.down.sql", "SELECT 1;");
  }
  const History history(Popx().Read(directory.path()));
  const auto ledger = Popx().MakeLedger({directory.path(), "", {}});
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  Runner runner(*session, history, *ledger, {});
  runner.Prepare();
  runner.Apply({Direction::kUpgrade, &history.Get("20200101000000_a")});
  EXPECT_EQ(session->Query("SELECT count(*) FROM schema_migration").GetInt(0, 0), 2);
  EXPECT_THAT(runner.Applied(), ElementsAre("20200101000000_a"));
  session->Execute("DELETE FROM schema_migration WHERE version LIKE '%1'");
  EXPECT_TRUE(ledger->Read(*session, history).at(0).dirty);
  // What the tool recorded when the group was one file still counts.
  session->Execute("UPDATE schema_migration SET version = '20200101000000'");
  EXPECT_THAT(runner.Applied(), ElementsAre("20200101000000_a"));
  runner.Apply({Direction::kDowngrade, &history.Get("20200101000000_a")});
  EXPECT_TRUE(runner.Applied().empty());
  session->Execute("INSERT INTO schema_migration (version) VALUES ('20301231000000000000')");
  EXPECT_THAT(ErrorOf([&] { runner.Applied(); }).Render(), HasSubstr("'20301231000000000000' applied"));
}

TEST(Popx, ReadsPublicHistories) {
  const char* corpora = std::getenv("MIGPROOF_CORPORA");  // NOLINT(concurrency-mt-unsafe)
  const auto directory = std::filesystem::path(corpora == nullptr ? "" : corpora) / "hydra";
  if (corpora == nullptr || !std::filesystem::is_directory(directory)) {
    GTEST_SKIP() << "MIGPROOF_CORPORA names no directory with hydra";
  }
  EXPECT_EQ(History(Popx().Read(directory)).size(), 93U);
}

}  // namespace
}  // namespace migproof
