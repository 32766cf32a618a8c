#include "migrations/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "ci/expect_error.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "migrations/format.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Sql {
  std::string upgrade;
  Execution execution = Execution::kTransaction;
  std::string downgrade = "";
};

// Revisions r1, r2, ... one above the other.
History MakeHistory(const std::vector<Sql>& scripts, bool numbered = false) {
  std::vector<Revision> revisions;
  for (const Sql& sql : scripts) {
    Revision revision;
    revision.id = "r" + std::to_string(revisions.size() + 1);
    revision.ledger_key = numbered ? std::to_string(revisions.size() + 1) : revision.id;
    if (!revisions.empty()) revision.parents = {revisions.back().id};
    revision.upgrade = {Script::Parse(sql.upgrade, {revision.id + ".sql", 1}), sql.execution};
    revision.downgrade = Section{Script::Parse(sql.downgrade, {revision.id + ".down.sql", 1}), sql.execution};
    revisions.push_back(std::move(revision));
  }
  return History(std::move(revisions));
}

class RunnerTest : public testing::Test {
 protected:
  void Start(const std::vector<Sql>& scripts, const std::string& format = "native", RunnerOptions options = {}) {
    history_ = std::make_unique<History>(MakeHistory(scripts, format == "golang-migrate"));
    ledger_ = Registry<Format>::Get(format).MakeLedger();
    runner_ = std::make_unique<Runner>(*session_, *history_, *ledger_, std::move(options));
    runner_->Prepare();
  }
  void Up(const std::string& id) { runner_->Apply({Direction::kUpgrade, &history_->Get(id)}); }
  std::vector<Error> UpLeavingOut(const std::string& id) {
    return runner_->ApplyLeavingOutFailures({Direction::kUpgrade, &history_->Get(id)});
  }
  Error UpError(const std::string& id) {
    return ErrorOf([&] { Up(id); });
  }
  bool Exists(const std::string& relation) {
    return !session_->Query("SELECT to_regclass($1)", {relation}).IsNull(0, 0);
  }
  std::string Value(const std::string& query) { return std::string(session_->Query(query).Get(0, 0)); }
  bool IsApplied(const std::string& id) { return runner_->Applied().contains(id); }

  std::unique_ptr<Database> database_ = Database::Create(TestServer());
  std::unique_ptr<Session> session_ = database_->Connect();
  std::unique_ptr<History> history_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Runner> runner_;
};

TEST_F(RunnerTest, ATransactionalStepThatFailsLeavesNothing) {
  Start({{"CREATE TABLE a ();\nCREATE TABLE b (x nonsense);\nCREATE TABLE c ();"}});
  const Error error = UpError("r1");
  EXPECT_EQ(error.kind(), ErrorKind::kMigration);
  EXPECT_EQ(error.sqlstate(), "42704");
  EXPECT_EQ(error.where(), (SourceLocation{"r1.sql", 2}));
  EXPECT_EQ(error.sql()->statement, "CREATE TABLE b (x nonsense)");
  EXPECT_THAT(error.context(), ElementsAre("in the upgrade of revision 'r1'", "nothing of this step is kept"));
  EXPECT_FALSE(Exists("a"));
  EXPECT_FALSE(IsApplied("r1"));
  EXPECT_EQ(session_->transaction_state(), TransactionState::kIdle);
}

TEST_F(RunnerTest, AStepWithoutTransactionKeepsWhatWasDone) {
  Start({{"CREATE TABLE a ();\nCREATE INDEX CONCURRENTLY i ON nowhere (x);\nCREATE TABLE c ();",
          Execution::kStatements}});
  const Error error = UpError("r1");
  EXPECT_EQ(error.where().line, 2);
  EXPECT_THAT(error.context(),
              ElementsAre("in the upgrade of revision 'r1'",
                          "this step runs without a transaction: 1 of its 3 statements are done and kept"));
  EXPECT_TRUE(Exists("a"));
  EXPECT_FALSE(Exists("c"));
  EXPECT_FALSE(IsApplied("r1"));
}

TEST_F(RunnerTest, OneQueryIsOneImplicitTransaction) {
  Start({{"CREATE TABLE a ();\nCREATE TABLE b (x nonsense);", Execution::kOneQuery},
         {"CREATE TABLE c ();", Execution::kOneQuery},
         {"", Execution::kOneQuery},
         {"-- nothing\n", Execution::kOneQuery}});
  EXPECT_EQ(UpError("r1").where().line, 2);
  EXPECT_FALSE(Exists("a"));
  for (const char* id : {"r2", "r3", "r4"}) Up(id);
  EXPECT_TRUE(Exists("c"));
  EXPECT_TRUE(IsApplied("r4"));
}

TEST_F(RunnerTest, TheGolangLedgerSaysDirtyAfterAFailure) {
  Start({{"CREATE TABLE a ();", Execution::kOneQuery}, {"CREATE TABLE b (x nonsense);", Execution::kOneQuery}},
        "golang-migrate");
  Up("r1");
  EXPECT_THAT(UpError("r2").Render(), HasSubstr("nothing of this step is kept; the ledger says dirty"));
  EXPECT_EQ(Value("SELECT version || dirty::text FROM schema_migrations"), "2true");
  const Error error = ErrorOf([&] { runner_->Applied(); });
  EXPECT_EQ(error.kind(), ErrorKind::kHistory);
  EXPECT_THAT(error.Render(),
              HasSubstr("the step to 'r2' began and did not end (dirty)\nhint: see what of it is there"));
  runner_->Stamp({"r1"});
  EXPECT_EQ(Value("SELECT version || dirty::text FROM schema_migrations"), "1false");
  EXPECT_THAT(runner_->Applied(), ElementsAre("r1"));
}

TEST_F(RunnerTest, AFailedFirstDowngradeIsDirtyAtNothing) {
  Start({{"CREATE TABLE a ();", Execution::kOneQuery, "DROP TABLE nowhere;"}}, "golang-migrate");
  Up("r1");
  EXPECT_EQ(ErrorOf([&] { runner_->Apply({Direction::kDowngrade, &history_->Get("r1")}); }).sqlstate(), "42P01");
  EXPECT_EQ(Value("SELECT version || dirty::text FROM schema_migrations"), "-1true");
  EXPECT_THAT(RenderedErrorOf([&] { runner_->Applied(); }), HasSubstr("(dirty)"));
  runner_->Stamp({});
  EXPECT_EQ(Value("SELECT count(*) FROM schema_migrations"), "0");
  EXPECT_THAT(runner_->Applied(), IsEmpty());
}

TEST_F(RunnerTest, CopyTakesItsDataFromTheScript) {
  Start({{"CREATE TABLE t (id int, name text);\nCOPY t FROM STDIN;\n1\tone\n2\t\\N\n\\.\nUPDATE t SET name = 'two' "
          "WHERE id = 2;"},
         {"COPY t FROM STDIN;\n3\tthree\n\\.\n", Execution::kStatements}});
  Up("r1");
  Up("r2");
  EXPECT_EQ(Value("SELECT string_agg(name, ',' ORDER BY id) FROM t"), "one,two,three");
}

TEST_F(RunnerTest, MetaCommandsAreRefusedBeforeAnythingRuns) {
  Start({{"CREATE TABLE a ();\n\\echo hello\n", Execution::kStatements}});
  const Error error = UpError("r1");
  EXPECT_EQ(error.kind(), ErrorKind::kHistory);
  EXPECT_EQ(error.where().line, 2);
  EXPECT_FALSE(Exists("a"));
}

TEST_F(RunnerTest, ADeferredConstraintFailsAtCommit) {
  Start(
      {{"CREATE TABLE p (id int PRIMARY KEY);\n"
        "CREATE TABLE c (p int REFERENCES p DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO c VALUES (1);"}});
  const Error error = UpError("r1");
  EXPECT_EQ(error.sqlstate(), "23503");
  EXPECT_THAT(error.Render(), HasSubstr("while writing the ledger entry and committing"));
  EXPECT_FALSE(Exists("p"));
  EXPECT_FALSE(IsApplied("r1"));
}

TEST_F(RunnerTest, AnEntryThatIsThereAlreadyStopsTheStep) {
  Start({{"CREATE TABLE a ();"}});
  session_->Execute("INSERT INTO migproof_ledger (revision, checksum) VALUES ('r1', '')");
  EXPECT_EQ(UpError("r1").sqlstate(), "23505");
  EXPECT_FALSE(Exists("a"));
}

TEST_F(RunnerTest, WhatAScriptCommitsItselfIsSaidToBeKept) {
  Start({{"CREATE TABLE a ();\nCOMMIT;\nCREATE TABLE b (x nonsense);"}});
  EXPECT_THAT(UpError("r1").Render(), HasSubstr("the script moves transaction boundaries itself"));
  EXPECT_TRUE(Exists("a"));
  EXPECT_FALSE(IsApplied("r1"));
}

TEST_F(RunnerTest, AScriptThatLeavesATransactionOpenIsCommitted) {
  Start({{"BEGIN;\nCREATE TABLE a ();", Execution::kOneQuery}, {"BEGIN;\nCREATE TABLE b ();", Execution::kStatements}});
  Up("r1");
  Up("r2");
  EXPECT_EQ(session_->transaction_state(), TransactionState::kIdle);
  const auto other = database_->Connect();
  EXPECT_FALSE(other->Query("SELECT to_regclass('a')").IsNull(0, 0));
  EXPECT_FALSE(other->Query("SELECT to_regclass('b')").IsNull(0, 0));
}

class SessionLeak : public RunnerTest, public testing::WithParamInterface<Execution> {};

TEST_P(SessionLeak, NothingReachesTheNextStep) {
  session_->Execute("CREATE ROLE migproof_runner_test; GRANT CREATE ON SCHEMA public TO migproof_runner_test");
  Start({{"SET search_path = pg_catalog; SET statement_timeout = 12345; SET standard_conforming_strings = off;",
          GetParam()},
         {"SELECT set_config('DateStyle', 'German', false);", GetParam()},
         {"CREATE TEMPORARY TABLE t AS SELECT 1 AS temporary;", GetParam()},
         {"DO $$ BEGIN PERFORM set_config('TimeZone', 'Asia/Tokyo', false); END $$;", GetParam()},
         {"SET ROLE migproof_runner_test; CREATE TABLE owned ();", GetParam()},
         {"LISTEN somewhere; DECLARE c CURSOR WITH HOLD FOR SELECT 1;", GetParam()}});
  const auto settings = [&] {
    return Value(
               "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE source = "
               "'session'") +
           Value("SELECT current_user");
  };
  const std::string before = settings();
  for (const Revision* revision : history_->Linear()) {
    Up(revision->id);
    EXPECT_EQ(settings(), before) << revision->id;
  }
  EXPECT_FALSE(Exists("t"));
  EXPECT_EQ(Value("SELECT count(*) FROM pg_listening_channels()"), "0");
  EXPECT_EQ(Value("SELECT count(*) FROM pg_cursors WHERE name = 'c'"), "0");
  EXPECT_EQ(Value("SELECT tableowner FROM pg_tables WHERE tablename = 'owned'"), "migproof_runner_test");
  session_->Execute("DROP OWNED BY migproof_runner_test; DROP ROLE migproof_runner_test");
}

TEST_P(SessionLeak, NotAfterAFailureEither) {
  Start({{"SET search_path = pg_catalog; SELECT 1/0;", GetParam()}});
  const std::string before = Value("SHOW search_path");
  EXPECT_EQ(UpError("r1").sqlstate(), "22012");
  EXPECT_EQ(Value("SHOW search_path"), before);
}

INSTANTIATE_TEST_SUITE_P(Executions, SessionLeak,
                         testing::Values(Execution::kTransaction, Execution::kStatements, Execution::kOneQuery));

class Timeouts : public RunnerTest, public testing::WithParamInterface<Execution> {};

TEST_P(Timeouts, HoldForTheStepAndNoLonger) {
  Start(
      {{"CREATE TABLE t AS SELECT current_setting('lock_timeout') || ',' || current_setting('statement_timeout') AS v;",
        GetParam()},
       {"ALTER TABLE t ADD COLUMN w int;", GetParam()},
       {"SELECT pg_sleep(60);", GetParam()}},
      "native", {.lock_timeout_ms = 300, .statement_timeout_ms = 20'000, .guard = {}});
  const std::string of_locks = Value("SHOW lock_timeout");
  const std::string of_statements = Value("SHOW statement_timeout");
  Up("r1");
  EXPECT_EQ(Value("SELECT v FROM t"), "300ms,20s");
  EXPECT_EQ(Value("SHOW lock_timeout"), of_locks);
  EXPECT_EQ(Value("SHOW statement_timeout"), of_statements);
  const auto other = database_->Connect();
  other->Execute("BEGIN; LOCK TABLE t");
  EXPECT_EQ(UpError("r2").sqlstate(), "55P03");
  EXPECT_EQ(Value("SHOW lock_timeout"), of_locks);
  other->Execute("ROLLBACK");
  Start({{"CREATE TABLE u ();", GetParam()}, {"SELECT pg_sleep(60);", GetParam()}}, "native",
        {.lock_timeout_ms = 0, .statement_timeout_ms = 50, .guard = {}});
  EXPECT_EQ(UpError("r2").sqlstate(), "57014");
  EXPECT_EQ(Value("SHOW statement_timeout"), of_statements);
}

INSTANTIATE_TEST_SUITE_P(Executions, Timeouts,
                         testing::Values(Execution::kTransaction, Execution::kStatements, Execution::kOneQuery));

TEST_F(RunnerTest, AValueThatOneStepDrewIsNoneOfTheNextSteps) {
  Start({{"CREATE TABLE t (id serial); INSERT INTO t DEFAULT VALUES"}, {"SELECT currval('t_id_seq')"}});
  Up("r1");
  EXPECT_EQ(UpError("r2").sqlstate(), "55000");  // as on the connection of whoever upgrades from r1
}

TEST_F(RunnerTest, TheGuardIsAskedOncePerStepAndCanRefuse) {
  int asked = 0;
  bool refuse = false;
  Start({{"CREATE TABLE a (); CREATE TABLE b ();"}, {"CREATE TABLE c ();"}}, "golang-migrate",
        {.lock_timeout_ms = 0, .statement_timeout_ms = 0, .guard = [&](Session& session) {
           EXPECT_EQ(&session, session_.get());
           ++asked;
           if (refuse) throw Error(ErrorKind::kServer, "another database");
         }});
  asked = 0;
  Up("r1");
  EXPECT_EQ(asked, 1);
  refuse = true;
  EXPECT_EQ(UpError("r2").message(), "another database");
  EXPECT_EQ(ErrorOf([&] { runner_->Stamp({}); }).message(), "another database");
  EXPECT_EQ(ErrorOf([&] { UpLeavingOut("r2"); }).message(), "another database");
  EXPECT_FALSE(Exists("c"));
  EXPECT_EQ(Value("SELECT version || dirty::text FROM schema_migrations"), "1false");
}

std::vector<int> Lines(const std::vector<Error>& errors) {
  std::vector<int> lines;
  for (const Error& error : errors) lines.push_back(error.where().line);
  return lines;
}

constexpr const char* kTwoFailures =
    "CREATE TABLE a ();\nCREATE TABLE b (x nonsense);\nCREATE TABLE c ();\nDROP TABLE nowhere;\nCREATE TABLE d ();";

class LeavingOut : public RunnerTest, public testing::WithParamInterface<Execution> {};

// The first attempt compiles the function with a type that its ROLLBACK takes away.
TEST_P(LeavingOut, ComesUponNoFunctionOfTheFirstAttempt) {
  Start(
      {{"CREATE TYPE kind AS ENUM ('a'); CREATE TABLE t (k kind); INSERT INTO t VALUES ('a');\n"
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE k kind := NEW.k; BEGIN RETURN NEW; END "
        "$$;\n"
        "CREATE TRIGGER f BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();"},
       {"ALTER TYPE kind RENAME TO old_kind;\nCREATE TYPE kind AS ENUM ('a', 'b');\n"
        "ALTER TABLE t ALTER k TYPE kind USING k::text::kind;\nDROP TYPE old_kind;\nUPDATE t SET k = 'b';\nSELECT 1/0;",
        GetParam()}});
  Up("r1");
  EXPECT_THAT(Lines(UpLeavingOut("r2")), ElementsAre(6));
}

TEST_P(LeavingOut, GoesOnPastWhatFails) {
  Start({{kTwoFailures, GetParam()}});
  const std::vector<Error> errors = UpLeavingOut("r1");
  EXPECT_THAT(Lines(errors), ElementsAre(2, 4));
  EXPECT_THAT(errors[0].context(), ElementsAre("in the upgrade of revision 'r1'"));
  for (const char* table : {"a", "c", "d"}) EXPECT_TRUE(Exists(table)) << table;
  EXPECT_TRUE(IsApplied("r1"));
  EXPECT_EQ(session_->transaction_state(), TransactionState::kIdle);
}

TEST_P(LeavingOut, SaysNothingWhereNothingFails) {
  Start({{"CREATE TABLE a ();\nINSERT INTO a DEFAULT VALUES;", GetParam()}});
  EXPECT_THAT(UpLeavingOut("r1"), IsEmpty());
  EXPECT_EQ(Value("SELECT count(*) FROM a"), "1");
}

TEST_P(LeavingOut, FindsWhoseFaultARefusedCommitIs) {
  Start({{"CREATE TABLE p (id int PRIMARY KEY);\nCREATE TABLE c (p int REFERENCES p DEFERRABLE INITIALLY DEFERRED);",
          Execution::kTransaction},
         {"CREATE TABLE a ();\nINSERT INTO c VALUES (1);\nINSERT INTO p VALUES (2);\nINSERT INTO c VALUES (2);",
          GetParam()}});
  Up("r1");
  const std::vector<Error> errors = UpLeavingOut("r2");
  EXPECT_THAT(Lines(errors), ElementsAre(2));
  EXPECT_EQ(errors[0].sqlstate(), "23503");
  EXPECT_TRUE(Exists("a"));
  EXPECT_EQ(Value("SELECT string_agg(p::text, ',') FROM c"), "2");
  EXPECT_TRUE(IsApplied("r2"));
  EXPECT_EQ(session_->transaction_state(), TransactionState::kIdle);
}

TEST_P(LeavingOut, ABrokenConnectionIsThrown) {
  Start({{"CREATE TABLE a ();\nSELECT pg_terminate_backend(pg_backend_pid());", GetParam()}});
  const Error error = ErrorOf([&] { UpLeavingOut("r1"); });
  ASSERT_TRUE(error.sql());
  EXPECT_TRUE(error.sql()->IsEnvironmental());
}

TEST_P(LeavingOut, AServerShortOfResourcesIsThrown) {
  Start({{"CREATE TABLE a ();\nDO $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = '53100'; END $$;\nCREATE TABLE b ();",
          GetParam()}});
  EXPECT_EQ(ErrorOf([&] { UpLeavingOut("r1"); }).sqlstate(), "53100");
  EXPECT_FALSE(Exists("b"));
  EXPECT_FALSE(IsApplied("r1"));
}

INSTANTIATE_TEST_SUITE_P(Executions, LeavingOut,
                         testing::Values(Execution::kTransaction, Execution::kStatements, Execution::kOneQuery));

TEST_F(RunnerTest, LeavingOutRunsAnOnlyStatementOnce) {
  Start({{"CREATE TABLE t (x int); INSERT INTO t VALUES (1), (1);"},
         {"CREATE UNIQUE INDEX CONCURRENTLY i ON t (x);", Execution::kOneQuery}});
  Up("r1");
  const std::vector<Error> errors = UpLeavingOut("r2");
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].sqlstate(), "23505");  // and not 42P07, from a second try over the INVALID index
  EXPECT_EQ(Value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass"), "f");
  EXPECT_TRUE(IsApplied("r2"));
}

TEST_F(RunnerTest, LeavingOutHonoursAScriptsOwnTransactions) {
  Start({{"BEGIN;\nCREATE TABLE a ();\nDROP TABLE nowhere;\nCREATE TABLE b ();\nCOMMIT;\nCREATE TABLE c ();",
          Execution::kOneQuery},
         {"CREATE TABLE d ();\nCOMMIT;\nDROP TABLE nowhere;\nCREATE TABLE e ();"}});
  EXPECT_THAT(Lines(UpLeavingOut("r1")), ElementsAre(3));
  EXPECT_THAT(Lines(UpLeavingOut("r2")), ElementsAre(3));
  for (const char* table : {"a", "b", "c", "d", "e"}) EXPECT_TRUE(Exists(table)) << table;
  EXPECT_TRUE(IsApplied("r2"));
}

TEST_F(RunnerTest, UnknownEntriesAreRefusedWithTheNearName) {
  Start({{"SELECT 1;"}});
  session_->Execute("INSERT INTO migproof_ledger (revision, checksum) VALUES ('r2', '')");
  const Error error = ErrorOf([&] { runner_->Applied(); });
  EXPECT_EQ(error.kind(), ErrorKind::kHistory);
  EXPECT_EQ(error.Render(),
            "error: the database has 'r2' applied, which is not in the history\nhint: did you mean 'r1'?");
  session_->Execute("UPDATE migproof_ledger SET revision = 'something_else'");
  EXPECT_THAT(RenderedErrorOf([&] { runner_->Applied(); }), HasSubstr("hint: a newer or another history migrated it"));
  runner_->Stamp({});
  EXPECT_THAT(runner_->Applied(), IsEmpty());
}

TEST_F(RunnerTest, EditedRevisionsAreFoundAndStampRecordsThemAnew) {
  history_ = std::make_unique<History>(MakeHistory({{"SELECT 1;"}, {"SELECT 2;"}}));
  std::vector<Revision> native = history_->revisions();
  const History before(native);
  native[1].upgrade.script = Script::Parse("SELECT 3;", {"r2.sql", 1});
  const History after(native);
  ledger_ = Registry<Format>::Get("native").MakeLedger();
  Runner first(*session_, before, *ledger_, {});
  first.Prepare();
  for (const Revision* revision : before.Linear()) first.Apply({Direction::kUpgrade, revision});
  EXPECT_THAT(first.Edited(), IsEmpty());
  Runner second(*session_, after, *ledger_, {});
  EXPECT_THAT(second.Edited(), ElementsAre(&after.Get("r2")));
  second.Stamp({"r1", "r2"});
  EXPECT_THAT(second.Edited(), IsEmpty());
  EXPECT_THAT(first.Edited(), ElementsAre(&before.Get("r2")));
}

TEST_F(RunnerTest, StampChangesTheLedgerAlone) {
  Start({{"CREATE TABLE a ();"}, {"CREATE TABLE b ();"}, {"CREATE TABLE c ();"}}, "golang-migrate");
  runner_->Stamp({"r1", "r2"});
  EXPECT_THAT(runner_->Applied(), ElementsAre("r1", "r2"));
  runner_->Stamp({"r1", "r2", "r3"});
  runner_->Stamp({"r1"});
  EXPECT_THAT(runner_->Applied(), ElementsAre("r1"));
  EXPECT_FALSE(Exists("a"));
}

TEST_F(RunnerTest, GolangReadsAHighWaterMark) {
  Start({{"SELECT 1;"}, {"SELECT 2;"}, {"SELECT 3;"}}, "golang-migrate");
  session_->Execute("INSERT INTO schema_migrations VALUES (2, false)");
  EXPECT_THAT(runner_->Applied(), ElementsAre("r1", "r2"));
  session_->Execute("UPDATE schema_migrations SET version = 9");
  EXPECT_THAT(RenderedErrorOf([&] { runner_->Applied(); }), HasSubstr("has '9' applied, which is not in the history"));
}

TEST_F(RunnerTest, PrepareIsQuietAndSafeToRepeat) {
  Start({{"SELECT 1;"}});
  session_->TakeNotices();
  runner_->Prepare();
  EXPECT_THAT(session_->TakeNotices(), IsEmpty());
  EXPECT_EQ(Value("SHOW client_min_messages"), "notice");
}

TEST_F(RunnerTest, TheLedgerEntryIsInTheStepsTransaction) {
  Start({{"CREATE TABLE a (); CREATE TABLE b ();"}});
  Up("r1");
  EXPECT_EQ(Value("SELECT count(DISTINCT xmin::text) FROM pg_class WHERE relname IN ('a', 'b')"), "1");
  EXPECT_EQ(Value("SELECT l.xmin::text = c.xmin::text FROM migproof_ledger l, pg_class c WHERE c.relname = 'a'"), "t");
}

TEST_F(RunnerTest, LockKeepsOthersOutUntilItGoes) {
  const auto other = database_->Connect();
  {
    const RunnerLock lock(*session_, 1'000);
    const Error error = ErrorOf([&] { const RunnerLock second(*other, 50); });
    EXPECT_EQ(error.kind(), ErrorKind::kServer);
    EXPECT_THAT(error.message(), HasSubstr("another runner is at work on database '" + database_->name() + "'"));
    EXPECT_THAT(error.message(), HasSubstr("backend " + std::to_string(session_->backend_pid()) + " ('migproof'"));
    EXPECT_THAT(error.message(), HasSubstr("after 50 ms"));
  }
  const RunnerLock now_free(*other, 0);
}

TEST_F(RunnerTest, LockIsTakenAsSoonAsItIsFree) {
  const auto other = database_->Connect();
  auto lock = std::make_unique<RunnerLock>(*session_, 1'000);
  std::thread waiting([&] { const RunnerLock second(*other, 60'000); });
  // The waiting runner must leave no snapshot open that CREATE INDEX CONCURRENTLY would wait for.
  session_->Execute("CREATE TABLE t (x int)");
  session_->Execute("CREATE INDEX CONCURRENTLY i ON t (x)");
  lock.reset();
  waiting.join();
}

TEST_F(RunnerTest, LockOfAnotherDatabaseDoesNotMatter) {
  const auto elsewhere = Database::Create(TestServer());
  const auto other = elsewhere->Connect();
  const RunnerLock here(*session_, 0);
  const RunnerLock there(*other, 0);
}

}  // namespace
}  // namespace migproof
