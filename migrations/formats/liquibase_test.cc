#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ci/expect_error.h"
#include "ci/temp_directory.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "migrations/format.h"
#include "migrations/history.h"
#include "migrations/liquibase/changelog.h"
#include "migrations/liquibase/text.h"
#include "migrations/runner.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Format& Liquibase() { return Registry<Format>::Get("liquibase"); }

const std::string kMark = "--liquibase formatted sql\n";

std::vector<Revision> ReadChangelog(const std::string& text, std::map<std::string, std::string> values = {}) {
  const TempDirectory directory;
  directory.Write("a.sql", kMark + text);
  return Liquibase().ReadWith({directory.path(), "", std::move(values)});
}

std::string ComplaintAbout(const std::string& text) {
  const Error error = ErrorOf([&] { ReadChangelog(text); });
  EXPECT_EQ(error.kind(), ErrorKind::kHistory);
  return error.Render();
}

std::vector<std::string> ChangeTextsOf(const Section& section) {
  std::vector<std::string> texts;
  for (const Statement& statement : section.script.statements()) texts.emplace_back(section.script.Text(statement));
  return texts;
}

std::vector<std::string> IdsOf(const std::vector<Revision>& revisions) {
  std::vector<std::string> ids;
  for (const Revision& revision : revisions) ids.push_back(revision.id);
  return ids;
}

TEST(Liquibase, CutsAFileIntoChangesets) {
  const std::vector<Revision> revisions = ReadChangelog(
      "\n--changeset ada:1 runInTransaction:false labels:x\n--comment: The first\nSELECT 1;\nSELECT 2;\n"
      "--rollback SELECT -2;\n--rollback SELECT\n--rollback -1;\n"
      "-- changeset \"Ada L\":\"two\" splitStatements:false\nSELECT 3;\n/* liquibase rollback\nSELECT -3;\n*/\n"
      "--changeset ada:3\nSELECT 4;\n--rollback empty\n--changeset ada:4\nSELECT 5;\n");
  EXPECT_THAT(IdsOf(revisions), ElementsAre("a.sql::1::ada", "a.sql::two::Ada L", "a.sql::3::ada", "a.sql::4::ada"));
  EXPECT_EQ(revisions[0].title, "The first");
  EXPECT_EQ(revisions[0].upgrade.execution, Execution::kStatements);
  EXPECT_THAT(ChangeTextsOf(revisions[0].upgrade), ElementsAre("SELECT 1", "SELECT 2"));
  EXPECT_THAT(ChangeTextsOf(*revisions[0].downgrade), ElementsAre("SELECT -2", "SELECT\n-1"));
  EXPECT_EQ(revisions[0].where.line, 3);
  EXPECT_EQ(revisions[0].upgrade.script.statements()[1].line, 6);
  EXPECT_EQ(revisions[0].downgrade->script.statements()[1].line, 8);
  EXPECT_EQ(revisions[1].upgrade.execution, Execution::kTransaction);
  EXPECT_THAT(ChangeTextsOf(*revisions[1].downgrade), ElementsAre("SELECT -3"));
  ASSERT_TRUE(revisions[2].downgrade);
  EXPECT_TRUE(revisions[2].downgrade->script.empty());
  EXPECT_FALSE(revisions[3].downgrade);
  EXPECT_TRUE(History(revisions).IsLinear());
}

TEST(Liquibase, EndsStatementsWhereItIsTold) {
  const std::vector<Revision> revisions = ReadChangelog(
      "--changeset ada:1 endDelimiter:/\nSELECT 4 / 2\n/\nSELECT '\n/\n'\n/\n"
      "--changeset ada:2 endDelimiter:\\nGO\nSELECT 1\ngo\nSELECT 2\nGO\n"
      "--changeset ada:3 endDelimiter:@@ rollbackEndDelimiter:;\nSELECT 1 @@\nSELECT 2@@\n--rollback SELECT 3;\n");
  EXPECT_THAT(ChangeTextsOf(revisions[0].upgrade), ElementsAre("SELECT 4 / 2", "SELECT '\n/\n'"));
  EXPECT_THAT(ChangeTextsOf(revisions[1].upgrade), ElementsAre("SELECT 1", "SELECT 2"));
  EXPECT_THAT(ChangeTextsOf(revisions[2].upgrade), ElementsAre("SELECT 1", "SELECT 2"));
  EXPECT_THAT(ChangeTextsOf(*revisions[2].downgrade), ElementsAre("SELECT 3"));
  EXPECT_THAT(ComplaintAbout("--changeset ada:1 endDelimiter:[;/]\n"),
              HasSubstr("a.sql:2: 'endDelimiter:[;/]' is not understood"));
}

TEST(Liquibase, LeavesOutWhatTheToolPassesOver) {
  const std::string text =
      "--changeset ada:1 dbms:mysql,oracle\nSELECT 1;\n--changeset ada:2 dbms:!postgresql\nSELECT 2;\n"
      "--changeset ada:3 ignore:true\nSELECT 3;\n--changeset ada:4 dbms:\"h2, postgresql\"\nSELECT 4;\n"
      "--changeset ada:5 contextFilter:\"test and !slow\"\nSELECT 5;\n--ignoreLines:2\nSELECT 'a';\nSELECT 'b';\n"
      "--ignoreLines:start\nSELECT 'c';\n--ignoreLines:end\nSELECT 6;\n";
  const std::vector<Revision> all = ReadChangelog(text);
  EXPECT_THAT(IdsOf(all), ElementsAre("a.sql::4::ada", "a.sql::5::ada"));
  EXPECT_THAT(ChangeTextsOf(all[1].upgrade), ElementsAre("SELECT 5", "SELECT 6"));
  EXPECT_EQ(ReadChangelog(text, {{"contexts", "test"}}).size(), 2U);
  EXPECT_EQ(ReadChangelog(text, {{"contexts", "test,slow"}}).size(), 1U);
  EXPECT_EQ(ReadChangelog(text, {{"contexts", "prod"}}).size(), 1U);
}

TEST(Liquibase, ContextsAreExpressions) {
  const auto matches = [](const std::string& expression, const std::vector<std::string>& contexts) {
    return LiquibaseContextMatches(expression, contexts, {"a.sql", 1});
  };
  EXPECT_TRUE(matches("", {"a"}));
  EXPECT_TRUE(matches("a, b", {"B"}));
  EXPECT_TRUE(matches("not (a or b) and c", {"c"}));
  EXPECT_FALSE(matches("not (a or b) and c", {"a", "c"}));
  EXPECT_TRUE(matches("a and b or c", {"c"}));
  EXPECT_TRUE(matches("!a", {}));  // none asked for: all run
  EXPECT_THAT(RenderedErrorOf([&] { matches("a and", {"a"}); }), HasSubstr("is not understood in a context"));
  EXPECT_THAT(RenderedErrorOf([&] { matches("(a", {"a"}); }), HasSubstr("is not understood in a context"));
}

TEST(Liquibase, ProseIsNoMark) {
  const std::vector<Revision> revisions = ReadChangelog(
      "--changeset ada:1\n-- include all of it\n-- a property of orders\n-- property: none\n-- changesets come next\n"
      "SELECT 1;\n");
  EXPECT_THAT(ChangeTextsOf(revisions[0].upgrade), ElementsAre("SELECT 1"));
  EXPECT_THAT(ComplaintAbout("--include all\n"), HasSubstr("a.sql:2: 'all' stands where an attribute"));
}

TEST(Liquibase, FillsProperties) {
  const std::string text =
      "--property name:table value:orders\n--property name:table value:later\n--property name:kind value:x dbms:mysql\n"
      "--changeset ada:1\nCREATE TABLE ${table} (a ${type});\n--rollback DROP TABLE ${table};\n";
  const std::vector<Revision> revisions = ReadChangelog(text, {{"property.type", "int"}});
  EXPECT_THAT(ChangeTextsOf(revisions[0].upgrade), ElementsAre("CREATE TABLE orders (a int)"));
  EXPECT_THAT(ChangeTextsOf(*revisions[0].downgrade), ElementsAre("DROP TABLE orders"));
  EXPECT_THAT(ComplaintAbout(text), HasSubstr("a.sql:6: the placeholder '${type}' has no value"));
}

TEST(Liquibase, APreconditionThatHaltsIsAStatement) {
  const std::vector<Revision> revisions = ReadChangelog(
      "--changeset ada:1\n--preconditions onFail:HALT\n--precondition-sql-check expectedResult:0 SELECT count(*) FROM "
      "pg_class WHERE relname = 't'\nCREATE TABLE t (a int);\n"
      "--changeset ada:2\n--preconditions\n--precondition-table-exists table:t schema:public\nSELECT 1;\n"
      "--changeset ada:3\n--preconditions onFail:WARN\n--precondition-table-exists table:absent\nSELECT 2;\n");
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  const auto run = [&](const Section& section) {
    for (const Statement& statement : section.script.statements()) session->Execute(section.script, statement);
  };
  const Error missing = ErrorOf([&] { run(revisions[1].upgrade); });
  EXPECT_EQ(missing.sqlstate(), "P0001");
  EXPECT_EQ(missing.where().line, 7);
  run(revisions[0].upgrade);
  run(revisions[1].upgrade);
  EXPECT_EQ(ErrorOf([&] { run(revisions[0].upgrade); }).sqlstate(), "P0001");
  EXPECT_THAT(ChangeTextsOf(revisions[2].upgrade), ElementsAre("SELECT 2"));
}

TEST(Liquibase, WhatTheDatabaseWouldDecideIsRefused) {
  EXPECT_THAT(ComplaintAbout("--changeset ada:1\n--preconditions onFail:MARK_RAN\n"),
              HasSubstr("a.sql:3: preconditions with 'MARK_RAN' let the database decide"));
  EXPECT_THAT(ComplaintAbout("--changeset ada:1\n--preconditions onFail:HALT\n--precondition-foo a:b\n"),
              HasSubstr("a.sql:4: '--precondition-foo' is not understood"));
  EXPECT_THAT(ComplaintAbout("--changeset ada:1 failOnError:false\n"), HasSubstr("a.sql:2: 'failOnError:false'"));
  EXPECT_THAT(ComplaintAbout("--changeset ada:1 runWith:psql\n"), HasSubstr("'runWith:psql' has another program"));
  EXPECT_THAT(ComplaintAbout("--changeset ada:1\n--rollback changesetId:0 changesetAuthor:ada\n"),
              HasSubstr("a.sql:3: a rollback that names another changeset"));
}

TEST(Liquibase, RefusesWhatIsMalformed) {
  EXPECT_THAT(ComplaintAbout("--changeset ada:1\n--changeset ada:1\n"),
              HasSubstr("a.sql:3: changeset 'ada:1' is there twice: the first is on line 2"));
  EXPECT_THAT(ComplaintAbout("--changeset ada\n"), HasSubstr("a.sql:2: a changeset without author and id"));
  EXPECT_THAT(ComplaintAbout("--changeset ada:1 runOnchange:true\n"),
              HasSubstr("a.sql:2: unknown attribute 'runOnchange'\nhint: did you mean 'runOnChange'?"));
  EXPECT_THAT(ComplaintAbout("--changeset ada:1 runAlways:maybe\n"), HasSubstr("'runAlways' is 'true' or 'false'"));
  EXPECT_THAT(ComplaintAbout("--changset ada:1\nSELECT 1;\n"),
              HasSubstr("a.sql:2: '--changset' is no word of the format"));
  EXPECT_THAT(ComplaintAbout("--changeset ada:1\nSELECT 1;\n--rolback SELECT 2;\n"),
              HasSubstr("did you mean '--rollback'?"));
  EXPECT_THAT(ComplaintAbout("SELECT 1;\n"), HasSubstr("a.sql:2: a statement above the first changeset"));
  EXPECT_THAT(ComplaintAbout("--changeset ada:1\n/* liquibase rollback\nSELECT 1;\n"),
              HasSubstr("a.sql:2: a rollback comment that does not end"));
  EXPECT_THAT(ComplaintAbout("--changeset ada:1\n-- migproof: idempotant\n"),
              HasSubstr("a.sql:3: unknown word 'idempotant'"));
}

TEST(Liquibase, RefusesFilesThatItCannotRead) {
  const TempDirectory plain;
  plain.Write("a.sql", "SELECT 1;");
  EXPECT_THAT(RenderedErrorOf([&] { Liquibase().Read(plain.path()); }),
              HasSubstr("a.sql:1: the file does not begin with '--liquibase formatted sql'"));
  const TempDirectory other;
  other.Write("a.sql", kMark);
  other.Write("b.yaml", "databaseChangeLog:\n  - include: {file: a.sql}\n");
  EXPECT_THAT(RenderedErrorOf([&] { Liquibase().Read(other.path()); }),
              HasSubstr("b.yaml' is a changelog that is not SQL"));
}

TEST(Liquibase, FollowsIncludesFromAChangelog) {
  const TempDirectory directory;
  directory.Write("main.sql",
                  kMark + "--include file:more/b.sql\n--changeset ada:1\nSELECT 1;\n--includeAll path:all\n");
  directory.Write("more/b.sql",
                  kMark + "--include file:c.sql relativeToChangelogFile:true\n--changeset ada:1\nSELECT 2;\n");
  directory.Write("more/c.sql", kMark + "--changeset ada:1\nSELECT 3;\n");
  directory.Write("all/2.sql", kMark + "--changeset ada:1 logicalFilePath:kept.sql\nSELECT 4;\n");
  directory.Write("all/1.sql", kMark);
  const auto read = [&] { return Liquibase().ReadWith({directory.path(), "", {{"changelog", "main.sql"}}}); };
  EXPECT_THAT(IdsOf(read()),
              ElementsAre("more/c.sql::1::ada", "more/b.sql::1::ada", "main.sql::1::ada", "kept.sql::1::ada"));
  EXPECT_THAT(RenderedErrorOf([&] { Liquibase().Read(directory.path()); }),
              HasSubstr("main.sql:2: a changelog that includes others, where all are read by name"));
  directory.Write("more/c.sql", kMark + "--include file:main.sql\n");
  EXPECT_THAT(RenderedErrorOf(read), HasSubstr("main.sql' includes itself"));
  directory.Write("more/c.sql", kMark + "--include file:absent.sql\n");
  EXPECT_THAT(RenderedErrorOf(read), HasSubstr("absent.sql' is not there"));
}

TEST(Liquibase, WhatRunsAgainIsHeldToBeIdempotent) {
  const std::vector<Revision> revisions =
      ReadChangelog("--changeset ada:1 runOnChange:true\nSELECT 1;\n--changeset ada:2\nSELECT 2;\n");
  EXPECT_TRUE(revisions[0].Declares("idempotent"));
  EXPECT_FALSE(revisions[1].Declares("idempotent"));
}

TEST(Liquibase, TheLedgerIsTheToolsTable) {
  const TempDirectory directory;
  directory.Write(
      "a.sql", kMark + "--changeset ada:1 contextFilter:test labels:x\n--comment: Why\nSELECT 1;\n--rollback empty\n");
  const History history(Liquibase().Read(directory.path()));
  const auto ledger = Liquibase().MakeLedger({directory.path(), "", {}});
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  Runner runner(*session, history, *ledger, {});
  runner.Prepare();
  runner.Apply({Direction::kUpgrade, &history.Get("a.sql::1::ada")});
  const Rows row = session->Query(
      "SELECT id, author, filename, orderexecuted, exectype, comments, contexts, labels FROM databasechangelog");
  ASSERT_EQ(row.size(), 1);
  std::vector<std::string> cells;
  for (int i = 0; i < row.columns(); ++i) cells.emplace_back(row.Get(0, i));
  EXPECT_THAT(cells, ElementsAre("1", "ada", "a.sql", "1", "EXECUTED", "Why", "test", "x"));
  EXPECT_EQ(session->Query("SELECT locked FROM databasechangeloglock").Get(0, 0), "f");
  EXPECT_THAT(runner.Applied(), ElementsAre("a.sql::1::ada"));
  runner.Apply({Direction::kDowngrade, &history.Get("a.sql::1::ada")});
  EXPECT_THAT(runner.Applied(), IsEmpty());
}

}  // namespace
}  // namespace migproof
