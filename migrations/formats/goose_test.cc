#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "ci/expect_error.h"
#include "ci/temp_directory.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "migrations/format.h"
#include "migrations/history.h"
#include "migrations/ledger.h"
#include "migrations/session.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Format& Goose() { return Registry<Format>::Get("goose"); }

// What is said of a directory with the file 1_a.sql of this text.
std::string GooseComplaint(const std::string& text) {
  const TempDirectory directory;
  directory.Write("1_a.sql", text);
  const Error error = ErrorOf([&] { Goose().Read(directory.path()); });
  EXPECT_EQ(error.kind(), ErrorKind::kHistory);
  return error.Render();
}

Revision ReadGoose(const std::string& text) {
  const TempDirectory directory;
  directory.Write("1_a.sql", text);
  return Goose().Read(directory.path()).at(0);
}

std::vector<std::string> GooseTexts(const Section& section) {
  std::vector<std::string> texts;
  for (const Statement& statement : section.script.statements()) {
    texts.emplace_back(section.script.Text(statement));
  }
  return texts;
}

TEST(Goose, ReadsFilesInTheOrderOfTheirNumbers) {
  const TempDirectory directory;
  directory.Write("10_add_groups.sql", "-- +goose Up\nSELECT 1;\n");
  directory.Write("00009_first.sql", "-- +goose Up\n-- +goose Down\n");
  directory.Write("20240317090000_last.sql", "-- +goose Up\n-- +goose Down\n-- nothing\n");
  directory.Write("README.md", "ignored by the tool");
  directory.Write("migrations.go", "package migrations");
  directory.Write("00010_groups_test.go", "package migrations");
  const std::vector<Revision> revisions = Goose().Read(directory.path());
  ASSERT_EQ(revisions.size(), 3U);
  EXPECT_EQ(revisions[0].id, "00009_first");
  EXPECT_EQ(revisions[0].ledger_key, "9");
  EXPECT_EQ(revisions[1].title, "add groups");
  EXPECT_THAT(revisions[1].parents, ElementsAre("00009_first"));
  EXPECT_FALSE(revisions[1].downgrade);
  ASSERT_TRUE(revisions[2].downgrade);  // a section with nothing but a comment
  EXPECT_TRUE(revisions[2].downgrade->script.empty());
}

TEST(Goose, ReadsSectionsWithTheLinesOfTheFile) {
  const Revision revision = ReadGoose(
      "-- what it is\n\n-- +goose up\nCREATE TABLE t (id int);\n-- +goose StatementBegin\n/* why; */\n"
      "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN 1;\nEND $$;\n-- +goose statementend\n"
      "SELECT 1; SELECT 2; -- both\n--+goose DOWN\nDROP FUNCTION f;\nDROP TABLE t;\n");
  EXPECT_THAT(GooseTexts(revision.upgrade),
              ElementsAre("CREATE TABLE t (id int)", HasSubstr("RETURN 1;"), "SELECT 1", "SELECT 2"));
  EXPECT_EQ(revision.upgrade.script.statements()[1].line, 7);
  EXPECT_EQ(revision.downgrade->script.statements()[1].line, 15);
  EXPECT_EQ(revision.upgrade.execution, Execution::kTransaction);
}

TEST(Goose, NoTransactionHoldsForBothDirections) {
  const Revision revision = ReadGoose(
      "-- +goose Up\nCREATE INDEX CONCURRENTLY i ON t (id);\n-- +goose No Transaction\n-- +goose Down\n"
      "DROP INDEX CONCURRENTLY i;\n");
  EXPECT_EQ(revision.upgrade.execution, Execution::kStatements);
  EXPECT_EQ(revision.downgrade->execution, Execution::kStatements);
}

TEST(Goose, APieceOfSeveralStatementsIsOneQuery) {
  const Revision revision = ReadGoose(
      "-- +goose NO TRANSACTION\n-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\nSELECT 2;\n-- +goose "
      "StatementEnd\n");
  EXPECT_EQ(revision.upgrade.execution, Execution::kOneQuery);
  EXPECT_THAT(GooseComplaint("-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 0;\n-- +goose StatementBegin\nSELECT 1;\n"
                             "VACUUM;\n-- +goose StatementEnd\n"),
              HasSubstr("1_a.sql:6: several statements are sent as one query here"));
  const Revision alone = ReadGoose(
      "-- +goose NO TRANSACTION\n-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\nSELECT 2;\n-- +goose "
      "StatementEnd\nVACUUM;\n");
  EXPECT_EQ(alone.upgrade.execution, Execution::kStatements);  // what can't run in a transaction is a piece of its own
}

TEST(Goose, FillsInWhatTheSettingsSay) {
  const TempDirectory directory;
  directory.Write("1_a.sql",
                  "-- +goose Up\n-- +goose ENVSUB ON\nSELECT '$ROLE', '${ROLE}s', '${NONE:-x}', '$$5', $1;\n"
                  "-- +goose ENVSUB OFF\nSELECT '$ROLE';\n");
  EXPECT_THAT(RenderedErrorOf([&] {
                Goose().ReadWith({directory.path(), "", {{"env.1", "n"}}});
              }),
              HasSubstr("1_a.sql:3: nothing says what 'ROLE' is, which stands below '-- +goose ENVSUB ON'\n"
                        "hint: migproof.json: \"tool\": {\"env.ROLE\": \"...\"}"));
  const auto revisions = Goose().ReadWith({directory.path(), "", {{"env.ROLE", "app"}, {"env.1", "n"}}});
  EXPECT_THAT(GooseTexts(revisions[0].upgrade), ElementsAre("SELECT 'app', 'apps', 'x', '$5', n", "SELECT '$ROLE'"));
  EXPECT_THAT(GooseComplaint("-- +goose Up\n-- +goose ENVSUB ON\nSELECT '${A';\n"),
              HasSubstr("1_a.sql:3: '${' is not closed"));
  EXPECT_THAT(GooseComplaint("-- +goose Up\n-- +goose ENVSUB ON\nSELECT '${A/b}';\n"),
              HasSubstr("'${A/b}' can't be filled in"));
}

TEST(Goose, RefusesWhatTheToolRefuses) {
  EXPECT_THAT(GooseComplaint("SELECT 1;\n"), HasSubstr("1_a.sql:1: text before '-- +goose Up'"));
  EXPECT_THAT(GooseComplaint("-- nothing\n"), HasSubstr("1_a.sql: the file holds no '-- +goose Up'"));
  EXPECT_THAT(GooseComplaint("-- +goose Up\n  -- +goose Down\n"),
              HasSubstr("1_a.sql:2: white space before the annotation '-- +goose Down'"));
  EXPECT_THAT(GooseComplaint("-- +goose Up\n-- +goose Dwn\n"),
              HasSubstr("1_a.sql:2: unknown annotation '-- +goose Dwn'\nhint: did you mean 'Down'?"));
  EXPECT_THAT(GooseComplaint("-- +GOOSE Up\n"), HasSubstr("1_a.sql:1: '-- +GOOSE Up' is no annotation to goose"));
  EXPECT_THAT(GooseComplaint("-- +goose Up\n-- as +goose says\n"), HasSubstr("unknown annotation"));
  EXPECT_THAT(GooseComplaint("-- +goose Down\n-- +goose Up\n"),
              HasSubstr("1_a.sql:1: '-- +goose Down' comes before '-- +goose Up'"));
  EXPECT_THAT(GooseComplaint("-- +goose Up\n-- +goose Up\n"), HasSubstr("1_a.sql:2: a second '-- +goose Up'"));
  EXPECT_THAT(GooseComplaint("-- +goose Up\n-- +goose Down\n-- +goose Down\n"),
              HasSubstr("1_a.sql:3: a second '-- +goose Down'"));
  EXPECT_THAT(GooseComplaint("-- +goose Up\nSELECT 1\n-- +goose Down\n"),
              HasSubstr("1_a.sql:2: this statement does not end"));
  EXPECT_THAT(GooseComplaint("-- +goose Up\nSELECT 1; /* more */\n"),
              HasSubstr("1_a.sql:2: this statement does not end"));
  EXPECT_THAT(GooseComplaint("-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n"),
              HasSubstr("1_a.sql:2: '-- +goose StatementBegin' without a '-- +goose StatementEnd'"));
  EXPECT_THAT(GooseComplaint("-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n-- +goose Down\n"),
              HasSubstr("1_a.sql:4: '-- +goose Down' inside a '-- +goose StatementBegin'"));
  EXPECT_THAT(GooseComplaint("-- +goose Up\n-- +goose StatementEnd\n"),
              HasSubstr("without a '-- +goose StatementBegin'"));
  EXPECT_THAT(GooseComplaint("-- +goose StatementBegin\n-- +goose Up\n"), HasSubstr("before '-- +goose Up'"));
}

TEST(Goose, RefusesAStatementThatTheToolWouldCut) {
  EXPECT_THAT(
      GooseComplaint("-- +goose Up\nCREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN 1;\n"
                     "END $$;\n"),
      HasSubstr("1_a.sql:4: the tool ends a statement on this line, which is in the middle of one\n"
                "hint: put '-- +goose StatementBegin' and '-- +goose StatementEnd' around the statement"));
  EXPECT_THAT(GooseComplaint("-- +goose Up\n/* not yet;\n*/ SELECT 1;\n"), HasSubstr("1_a.sql:2: the tool ends"));
  EXPECT_THAT(GooseComplaint("-- +goose Up\nSELECT 'a;\nb';\n"), HasSubstr("1_a.sql:2: the tool ends"));
}

TEST(Goose, RefusesNamesThatTheToolRefuses) {
  const TempDirectory nameless;
  nameless.Write("first.sql", "-- +goose Up\n");
  EXPECT_THAT(RenderedErrorOf([&] { Goose().Read(nameless.path()); }), HasSubstr("first.sql' has no version"));
  const TempDirectory zero;
  zero.Write("0_first.sql", "-- +goose Up\n");
  EXPECT_THAT(RenderedErrorOf([&] { Goose().Read(zero.path()); }), HasSubstr("0_first.sql' has no version"));
  const TempDirectory twice;
  twice.Write("002_b.sql", "-- +goose Up\n");
  twice.Write("2_a.sql", "-- +goose Up\n");
  EXPECT_THAT(RenderedErrorOf([&] { Goose().Read(twice.path()); }),
              HasSubstr("version 2 is there twice: '002_b.sql' and '2_a.sql'"));
  const TempDirectory code;
  code.Write("00002_fill.go", "package migrations");
  EXPECT_THAT(RenderedErrorOf([&] { Goose().Read(code.path()); }), HasSubstr("00002_fill.go' is a migration in Go"));
}

TEST(Goose, TheNewestRowOfAVersionDecides) {
  const TempDirectory directory;
  for (const char* name : {"1_a.sql", "2_b.sql", "3_c.sql"}) directory.Write(name, "-- +goose Up\n");
  const History history(Goose().Read(directory.path()));
  const auto ledger = Goose().MakeLedger({directory.path(), "", {{"table", "versions"}}});
  EXPECT_THAT(ledger->Tables(), ElementsAre("public.versions"));
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  for (const std::string& sql : ledger->CreateSql()) session->Execute(sql);
  session->Execute(
      "INSERT INTO versions (version_id, is_applied) VALUES (1, true), (3, true), (2, true), (1, false), (7, true)");
  std::vector<std::string> applied;
  for (const LedgerEntry& entry : ledger->Read(*session, history)) applied.push_back(entry.revision);
  EXPECT_THAT(applied, ElementsAre("3_c", "2_b", "7"));
  EXPECT_EQ(session->Query("SELECT count(*) FROM versions WHERE version_id = 0").GetInt(0, 0), 1);
}

TEST(Goose, ReadsPublicHistories) {
  const char* corpora = std::getenv("MIGPROOF_CORPORA");  // NOLINT(concurrency-mt-unsafe)
  if (corpora == nullptr) GTEST_SKIP() << "MIGPROOF_CORPORA names no directory with public histories";
  EXPECT_EQ(History(Goose().Read(std::filesystem::path(corpora) / "bitmagnet")).size(), 20U);
  EXPECT_EQ(History(Goose().Read(std::filesystem::path(corpora) / "openfga")).size(), 6U);
}

}  // namespace
}  // namespace migproof
