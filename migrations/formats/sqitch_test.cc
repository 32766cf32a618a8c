#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "ci/expect_error.h"
#include "ci/psql.h"
#include "ci/temp_directory.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "migrations/format.h"
#include "migrations/history.h"
#include "migrations/offline.h"
#include "migrations/runner.h"
#include "migrations/sqitch/project.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Format& Sqitch() { return Registry<Format>::Get("sqitch"); }

const std::string kWho = " 2024-01-02T03:04:05Z Ada <ada@example.org>\n";

// A project with these lines in its plan, and a deploy script for each name.
class SqitchTest : public testing::Test {
 protected:
  void WritePlan(const std::string& lines) const { directory_.Write("sqitch.plan", "%project=shop\n\n" + lines); }
  void WriteDeploy(const std::string& name, const std::string& text) const {
    directory_.Write("deploy/" + name + ".sql", text);
  }
  std::vector<Revision> Read() const { return Sqitch().Read(directory_.path()); }
  std::string Complaint() const {
    const Error error = ErrorOf([&] { Read(); });
    EXPECT_EQ(error.kind(), ErrorKind::kHistory);
    return error.Render();
  }
  ToolSettings Settings() const { return {directory_.path(), "DATABASE_URL", {}}; }

  TempDirectory directory_;
};

std::vector<std::string> TextsOf(const Section& section) {
  std::vector<std::string> texts;
  for (const Statement& statement : section.script.statements()) texts.emplace_back(section.script.Text(statement));
  return texts;
}

TEST_F(SqitchTest, ReadsTheScriptsOfThePlan) {
  WritePlan("users" + kWho + "orders/list [users]" + kWho + "@v1" + kWho);
  WriteDeploy("users", "-- migproof: owns users\nBEGIN;\nCREATE TABLE users (id int);\nCOMMIT;\n");
  directory_.Write("revert/users.sql", "BEGIN; DROP TABLE users; COMMIT;");
  directory_.Write("verify/users.sql", "BEGIN;\nSELECT id FROM users WHERE false;\nROLLBACK;");
  WriteDeploy("orders/list", "CREATE INDEX CONCURRENTLY i ON users (id);");
  WriteDeploy("stray", "SELECT 1;");
  const std::vector<Revision> revisions = Read();
  ASSERT_EQ(revisions.size(), 2U);
  EXPECT_EQ(revisions[0].id, "users");
  EXPECT_EQ(revisions[0].ledger_key.size(), 40U);
  EXPECT_THAT(TextsOf(revisions[0].upgrade), ElementsAre("CREATE TABLE users (id int)"));
  EXPECT_EQ(revisions[0].upgrade.execution, Execution::kTransaction);
  EXPECT_EQ(revisions[0].upgrade.script.statements()[0].line, 3);
  EXPECT_EQ(Script::Parse(revisions[0].upgrade.script.text(), {}).statements().size(), 1U);
  EXPECT_THAT(TextsOf(*revisions[0].verification), ElementsAre("SELECT id FROM users WHERE false"));
  EXPECT_EQ(revisions[0].declarations.size(), 1U);
  EXPECT_EQ(revisions[1].upgrade.execution, Execution::kStatements);
  EXPECT_FALSE(revisions[1].downgrade);
  EXPECT_FALSE(revisions[1].verification);
  EXPECT_THAT(revisions[1].depends_on, ElementsAre("users"));
  EXPECT_THAT(revisions[1].labels, ElementsAre("@v1"));
  EXPECT_EQ(History(revisions).Resolve("@v1").front()->id, "orders/list");
}

TEST_F(SqitchTest, OnlyWhatEnclosesAllIsTheStepsTransaction) {
  WritePlan("a" + kWho + "b" + kWho + "c" + kWho + "d" + kWho);
  WriteDeploy("a", "SELECT 1; BEGIN; SELECT 2; COMMIT;");
  WriteDeploy("b", "BEGIN; SELECT 1; COMMIT; BEGIN; SELECT 2; COMMIT;");
  WriteDeploy("c", "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 1; COMMIT;");
  WriteDeploy("d", "start transaction /* ; */ ;\nSELECT ';';\nend;");
  const std::vector<Revision> revisions = Read();
  EXPECT_EQ(revisions[0].upgrade.execution, Execution::kStatements);
  EXPECT_EQ(revisions[1].upgrade.execution, Execution::kStatements);
  EXPECT_EQ(revisions[2].upgrade.execution, Execution::kStatements);
  EXPECT_EQ(revisions[3].upgrade.execution, Execution::kTransaction);
  EXPECT_THAT(TextsOf(revisions[3].upgrade), ElementsAre("SELECT ';'"));
  EXPECT_EQ(Script::Parse(revisions[3].upgrade.script.text(), {}).statements().size(), 1U);
}

TEST_F(SqitchTest, AReworkedChangeHasTheScriptsOfTheFirstTagThatHasSome) {
  WritePlan("a" + kWho + "@v1" + kWho + "b" + kWho + "@v2" + kWho + "a [a@v1]" + kWho);
  WriteDeploy("a@v1", "SELECT 'old';");
  directory_.Write("revert/a@v1.sql", "SELECT 'older';");
  WriteDeploy("a", "SELECT 'new';");
  directory_.Write("revert/a.sql", "SELECT 'old';");
  WriteDeploy("b", "SELECT 'b';");
  const std::vector<Revision> revisions = Read();
  ASSERT_EQ(revisions.size(), 3U);
  EXPECT_EQ(revisions[0].id, "a@v1");
  EXPECT_THAT(TextsOf(*revisions[0].downgrade), ElementsAre("SELECT 'older'"));
  EXPECT_EQ(revisions[2].id, "a");
  EXPECT_THAT(revisions[2].depends_on, ElementsAre("a@v1"));
}

TEST_F(SqitchTest, TheConfigurationSaysWhereScriptsLie) {
  directory_.Write("sqitch.conf",
                   "[core]\n\tengine = pg\n\ttop_dir = db ; here\n\textension = \"ddl\"\n[engine \"pg\"]\n"
                   "\ttarget = test\n[target \"test\"]\n\turi = db:pg:shop\n\tregistry = book\n"
                   "\tdeploy_dir = db/up\n[user]\n\tname = Ada\n");
  directory_.Write("db/sqitch.plan", "%project=shop\n\na" + kWho);
  directory_.Write("db/up/a.ddl", "SELECT 1;");
  directory_.Write("db/revert/a.ddl", "SELECT 2;");
  EXPECT_TRUE(Read().at(0).downgrade);
  EXPECT_EQ(SqitchProject::Open(directory_.path()).user_name, "Ada");
  EXPECT_THAT(Sqitch().MakeLedger(Settings())->Tables(), testing::Contains("book.changes"));
  directory_.Write("sqitch.conf", "[core]\n\tengine = mysql\n");
  EXPECT_THAT(Complaint(), HasSubstr("sqitch.conf: the project is for the engine 'mysql', and only 'pg' is known"));
  directory_.Write("sqitch.conf", "[core\n");
  EXPECT_THAT(Complaint(), HasSubstr("sqitch.conf:1: '[' without ']'"));
  directory_.Write("sqitch.conf", "# nothing\n\nengine = pg\n");
  EXPECT_THAT(Complaint(), HasSubstr("sqitch.conf:3: 'engine = pg' is neither a section nor a key with a value"));
}

TEST_F(SqitchTest, RefusesMissingAndEqualScripts) {
  EXPECT_THAT(RenderedErrorOf([&] { Read(); }), HasSubstr("sqitch.plan' is not there"));
  WritePlan("a" + kWho + "b" + kWho);
  WriteDeploy("a", "SELECT 1;");
  EXPECT_THAT(Complaint(), HasSubstr("sqitch.plan:4: change 'b' has no deploy script: '"));
  WriteDeploy("b", "SELECT 1;");
  EXPECT_THAT(Complaint(), HasSubstr("b.sql:1: 'a' and 'b' have the same deploy script"));
  WriteDeploy("b", "-- migproof: idempotant\n");
  EXPECT_THAT(Complaint(), HasSubstr("b.sql:1: unknown word 'idempotant'"));
}

TEST_F(SqitchTest, TheRegistryIsTheTools) {
  WritePlan("a" + kWho + "b [a !c]" + kWho + "@v1" + kWho);
  WriteDeploy("a", "SELECT 1;");
  WriteDeploy("b", "SELECT 2;");
  directory_.Write("revert/b.sql", "SELECT 3;");
  const History history(Read());
  const auto ledger = Sqitch().MakeLedger(Settings());
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  Runner runner(*session, history, *ledger, {});
  runner.Prepare();
  for (const Revision* revision : history.Linear()) runner.Apply({Direction::kUpgrade, revision});
  EXPECT_THAT(runner.Applied(), ElementsAre("a", "b"));
  EXPECT_THAT(runner.Edited(), IsEmpty());
  const auto one = [&](const std::string& sql) { return std::string(session->Query(sql).Get(0, 0)); };
  EXPECT_EQ(one("SELECT string_agg(change || ' ' || length(change_id) || ' ' || length(script_hash), ',' ORDER BY "
                "committed_at) FROM sqitch.changes"),
            "a 40 40,b 40 40");
  EXPECT_EQ(one("SELECT string_agg(type || ' ' || dependency || coalesce(' ' || c.change, ''), ',' ORDER BY type) FROM "
                "sqitch.dependencies d LEFT JOIN sqitch.changes c ON c.change_id = dependency_id"),
            "conflict c,require a a");
  EXPECT_EQ(one("SELECT tag || ' ' || project FROM sqitch.tags"), "@v1 shop");
  EXPECT_EQ(one("SELECT version FROM sqitch.releases"), "1.1");
  runner.Apply({Direction::kDowngrade, &history.Get("b")});
  EXPECT_EQ(one("SELECT string_agg(event || ' ' || change || ' ' || tags::text, ',' ORDER BY committed_at) FROM "
                "sqitch.events"),
            "deploy a {},deploy b {@v1},revert b {@v1}");
  EXPECT_EQ(one("SELECT count(*) FROM sqitch.tags"), "0");
  WriteDeploy("a", "SELECT 1; -- edited");
  const auto newer = Sqitch().MakeLedger(Settings());
  EXPECT_EQ(Runner(*session, history, *newer, {}).Edited().size(), 1U);
}

TEST_F(SqitchTest, VerifyScriptsAreRunAndUndone) {
  WritePlan("a" + kWho);
  WriteDeploy("a", "BEGIN; CREATE TABLE t (a int); COMMIT;");
  directory_.Write("verify/a.sql", "BEGIN; INSERT INTO t VALUES (1); SELECT 1 / count(*) FROM t; ROLLBACK;");
  const auto ledger = Sqitch().MakeLedger(Settings());
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  const History history(Read());
  Runner runner(*session, history, *ledger, {});
  runner.Prepare();
  runner.Apply({Direction::kUpgrade, &history.Get("a")});
  EXPECT_THAT(runner.Verify(history.Get("a")), IsEmpty());
  EXPECT_EQ(session->Query("SELECT count(*) FROM t").GetInt(0, 0), 0);
  directory_.Write("verify/a.sql", "SELECT 1 / count(*) FROM t;\nBEGIN;");
  const History broken(Read());
  const std::vector<Error> refusals = runner.Verify(broken.Get("a"));
  ASSERT_EQ(refusals.size(), 1U);
  EXPECT_EQ(refusals[0].sqlstate(), "22012");
  EXPECT_EQ(session->transaction_state(), TransactionState::kIdle);
}

// Scripts that only psql understands.
class SqitchPsql : public SqitchTest {
 protected:
  SqitchPsql() {
    directory_.Write("sqitch.conf", "[core]\n\tengine = pg\n[deploy \"variables\"]\n\tTable = orders\n");
    WritePlan("a" + kWho + "b" + kWho);
    WriteDeploy("a", "\\set kind int\nBEGIN;\nCREATE TABLE :Table (a :kind);\n\\i more/rows.sql\nCOMMIT;\n");
    directory_.Write("more/rows.sql", "INSERT INTO orders VALUES (1), (2);\n\\ir others.sql\n");
    directory_.Write("more/others.sql", "INSERT INTO orders VALUES (3);\n");
    directory_.Write("revert/a.sql", "DROP TABLE orders;");
    directory_.Write("verify/a.sql", "SELECT 1 / count(*) FROM orders;");
    WriteDeploy("b",
                "INSERT INTO orders VALUES (4);\nINSERT INTO nowhere VALUES (5);\nINSERT INTO orders VALUES (6);\n");
  }

  std::int64_t Count(Session& session) { return session.Query("SELECT count(*) FROM orders").GetInt(0, 0); }
};

TEST_F(SqitchPsql, RunsThemByPsqlWithTheRegistryBehindThem) {
  const History history(Read());
  EXPECT_EQ(history.Get("a").upgrade.execution, Execution::kTool);
  EXPECT_THAT(history.Get("a").upgrade.literals, testing::Contains("INSERT INTO orders VALUES (3)"));
  EXPECT_EQ(history.Get("b").upgrade.execution, Execution::kStatements);
  const auto ledger = Sqitch().MakeLedger(Settings());
  const auto tool = Sqitch().MakeTool(Settings());
  ASSERT_NE(tool, nullptr);
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  RunnerOptions options;
  options.tool = tool.get();
  Runner runner(*session, history, *ledger, options);
  runner.Prepare();
  runner.Apply({Direction::kUpgrade, &history.Get("a")});
  EXPECT_EQ(Count(*session), 3);
  EXPECT_THAT(runner.Applied(), ElementsAre("a"));
  EXPECT_THAT(runner.Verify(history.Get("a")), IsEmpty());
  const Error refused = ErrorOf([&] { runner.Apply({Direction::kUpgrade, &history.Get("b")}); });
  EXPECT_EQ(refused.sqlstate(), "42P01");
  EXPECT_EQ(refused.where(), (SourceLocation{(directory_.path() / "deploy/b.sql").string(), 2}));
  EXPECT_EQ(refused.sql()->statement, "INSERT INTO nowhere VALUES (5)");
  EXPECT_THAT(runner.Applied(), ElementsAre("a"));
  EXPECT_EQ(runner.ApplyLeavingOutFailures({Direction::kUpgrade, &history.Get("b")}).size(), 1U);
  EXPECT_THAT(runner.Applied(), ElementsAre("a", "b"));
  EXPECT_EQ(Count(*session), 7);  // the refused run has kept its first statement
  runner.Stamp({"a"});
  runner.Apply({Direction::kDowngrade, &history.Get("a")});
  EXPECT_THAT(runner.Applied(), IsEmpty());
  EXPECT_TRUE(session->Query("SELECT to_regclass('orders')").IsNull(0, 0));
}

TEST_F(SqitchPsql, AnErrorInAnIncludedFileIsSaidToBeThere) {
  directory_.Write("more/rows.sql", "SELECT 1;\nSELECT 1 / 0;\n");
  const History history(Read());
  const auto ledger = Sqitch().MakeLedger(Settings());
  const auto tool = Sqitch().MakeTool(Settings());
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  RunnerOptions options;
  options.tool = tool.get();
  Runner runner(*session, history, *ledger, options);
  runner.Prepare();
  const Error refused = ErrorOf([&] { runner.Apply({Direction::kUpgrade, &history.Get("a")}); });
  EXPECT_EQ(refused.sqlstate(), "22012");
  EXPECT_EQ(refused.where(), (SourceLocation{(directory_.path() / "more/rows.sql").string(), 2}));
}

TEST_F(SqitchPsql, TheOfflineScriptDoesTheSame) {
  const History history(Read());
  const auto ledger = Sqitch().MakeLedger(Settings());
  const auto tool = Sqitch().MakeTool(Settings());
  const auto database = Database::Create(TestServer());
  RunnerOptions options;
  options.tool = tool.get();
  const TempDirectory elsewhere;
  const auto script =
      elsewhere.Write("up.sql", OfflineHeader(*ledger) +
                                    OfflineStep({Direction::kUpgrade, &history.Get("a")}, history, *ledger, options));
  ASSERT_EQ(RunPsql(database->Conninfo(), script), 0);
  const auto session = database->Connect();
  EXPECT_EQ(Count(*session), 3);
  EXPECT_EQ(ledger->Read(*session, history).size(), 1U);
}

TEST_F(SqitchPsql, NeverRunsOnAnotherDatabase) {
  const History history(Read());
  const auto ledger = Sqitch().MakeLedger(Settings());
  const auto tool = Sqitch().MakeTool(Settings());
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  RunnerOptions options;
  options.tool = tool.get();
  options.proof = {"SELECT current_database()::text", "another"};
  Runner runner(*session, history, *ledger, options);
  runner.Prepare();
  const Error refused = ErrorOf([&] { runner.Apply({Direction::kUpgrade, &history.Get("a")}); });
  EXPECT_EQ(refused.kind(), ErrorKind::kServer);
  EXPECT_THAT(refused.Render(), HasSubstr("refused: psql is not on the database of the step"));
  EXPECT_TRUE(session->Query("SELECT to_regclass('orders')").IsNull(0, 0));
}

TEST_F(SqitchPsql, SaysWhatItCannotFollow) {
  directory_.Write("more/others.sql", "\\c postgres\n");
  EXPECT_THAT(Complaint(), HasSubstr("others.sql:1: '\\c postgres' leaves the database that the step belongs to"));
  directory_.Write("more/others.sql", "\\ir rows.sql\n");
  EXPECT_THAT(Complaint(), HasSubstr("others.sql:1: '"));
  EXPECT_THAT(Complaint(), HasSubstr("rows.sql' includes itself"));
  directory_.Write("more/others.sql", "\\i absent.sql\n");
  EXPECT_THAT(Complaint(), HasSubstr("absent.sql', which is not there"));
  directory_.Write("more/others.sql", "\\i :Table\n");
  EXPECT_THAT(Complaint(), HasSubstr("what '\\i :Table' includes is known only when it runs"));
}

TEST_F(SqitchPsql, WithoutPsqlItSaysWhatToInstall) {
  const std::string path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe)
  setenv("PATH", directory_.path().c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
  const Error error = ErrorOf([&] { Sqitch().MakeTool(Settings()); });
  setenv("PATH", path.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
  EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  EXPECT_THAT(error.Render(), HasSubstr("a.sql:1: the psql meta-command '\\set kind int' can be run by psql only"));
  EXPECT_THAT(error.Render(), HasSubstr("apt-get install postgresql-client"));
}

TEST_F(SqitchTest, CastsAndUnknownVariablesNeedNoPsql) {
  directory_.Write("sqitch.conf", "[core]\n\tengine = pg\n[core \"variables\"]\n\ttext = x\n");
  WritePlan("a" + kWho);
  WriteDeploy("a", "SELECT '1'::text, 'a:text', \":text\" FROM (SELECT 1) AS t (\":text\"); SELECT (ARRAY[1])[1:2];");
  EXPECT_EQ(Sqitch().MakeTool(Settings()), nullptr);
  WriteDeploy("a", "SELECT :'text';");
  EXPECT_NE(Sqitch().MakeTool(Settings()), nullptr);
}

TEST(Sqitch, ReadsPublicHistories) {
  const char* corpora = std::getenv("MIGPROOF_CORPORA");  // NOLINT(concurrency-mt-unsafe)
  const auto directory = std::filesystem::path(corpora == nullptr ? "" : corpora);
  if (corpora == nullptr || !std::filesystem::is_directory(directory / "ggircs")) {
    GTEST_SKIP() << "MIGPROOF_CORPORA names no directory with ggircs";
  }
  EXPECT_EQ(History(Sqitch().Read(directory / "schemaverse")).size(), 89U);
  const SqitchProject project = SqitchProject::Open(directory / "ggircs");
  std::size_t edges = 0;
  std::size_t reworked = 0;
  for (const SqitchChange& change : project.plan.changes) {
    edges += change.requires_changes.size();
    reworked += change.rework_tags.empty() ? 0 : 1;
  }
  EXPECT_EQ(edges, 354U);
  EXPECT_EQ(reworked, 66U);
  EXPECT_EQ(History(Sqitch().Read(directory / "ggircs")).size(), 222U);
}

}  // namespace
}  // namespace migproof
