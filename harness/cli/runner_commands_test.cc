#include "harness/cli/runner_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

#include "ci/expect_error.h"
#include "ci/psql.h"
#include "ci/temp_directory.h"
#include "harness/postgres/binaries.h"
#include "harness/postgres/database.h"
#include "harness/postgres/prepared_data.h"
#include "harness/postgres/run_directory.h"
#include "harness/postgres/server_process.h"
#include "harness/postgres/server_user.h"
#include "harness/postgres/test_server.h"
#include "migrations/runner.h"

namespace migproof {
namespace {

using testing::HasSubstr;
using testing::Not;

class RunnerCommands : public testing::Test {
 protected:
  RunnerCommands() {
    command_.config.path = directory_.path() / "db";
    command_.database_url = database_->Conninfo();
    std::filesystem::create_directory(command_.config.path);
  }

  void Write(const std::string& id, const std::string& parents, const std::string& up, const std::string& down,
             const std::string& more = "") {
    directory_.Write("db/" + id + ".sql",
                     "-- The " + id + " change\n-- migproof: revision " + id + "\n-- migproof: parents " + parents +
                         "\n" + more + "-- migproof: upgrade\n" + up + "\n-- migproof: downgrade\n" + down + "\n");
  }
  // aaaa - bbbb - cccc, a table each.
  void WriteChain() {
    WriteTable("aaaa", "");
    WriteTable("bbbb", "aaaa");
    WriteTable("cccc", "bbbb");
  }
  void WriteTable(const std::string& id, const std::string& parents) {
    Write(id, parents, "CREATE TABLE t_" + id + " ();", "DROP TABLE t_" + id + ";");
  }

  // "a      12 ms  b" as "a N ms  b".
  static std::string WithoutTimes(std::string text) {
    for (std::size_t at = 0; (at = text.find(" ms ", at)) != std::string::npos; at += 4) {
      const std::size_t word = text.find_last_not_of("0123456789 ", at) + 1;
      text.replace(word, at - word, " N");
      at = word + 2;
    }
    return text;
  }

  using Command = void (*)(const DatabaseCommand&, std::string_view, std::ostream&);
  std::string Run(Command command, std::string_view target) {
    std::ostringstream out;
    command(command_, target, out);
    return WithoutTimes(out.str());
  }
  std::string Up(std::string_view target) { return Run(UpgradeCommand, target); }
  std::string Down(std::string_view target) { return Run(DowngradeCommand, target); }
  std::string Stamp(std::string_view target) { return Run(StampCommand, target); }
  std::string Current() {
    std::ostringstream out;
    CurrentCommand(command_, out);
    return out.str();
  }
  std::string Tables() { return TablesOf(*database_); }
  static std::string TablesOf(const Database& database) {
    const auto session = database.Connect();
    return std::string(session
                           ->Query("SELECT coalesce(string_agg(relname, ' ' ORDER BY relname), '') FROM pg_class "
                                   "WHERE relkind = 'r' AND relname LIKE 't\\_%'")
                           .Get(0, 0));
  }
  std::string LedgerText(const Database& database) {
    return std::string(database.Connect()
                           ->Query("SELECT coalesce(string_agg(revision || checksum, ' ' ORDER BY position), '') "
                                   "FROM migproof_ledger")
                           .Get(0, 0));
  }

  TempDirectory directory_;
  std::unique_ptr<Database> database_ = Database::Create(TestServer());
  DatabaseCommand command_;
};

TEST_F(RunnerCommands, WhatRequiresAnotherServerIsRefusedBeforeAnythingRuns) {
  WriteTable("aaaa", "");
  Write("bbbb", "aaaa", "CREATE TABLE t_bbbb ();", "DROP TABLE t_bbbb;", "-- migproof: requires server >= 200\n");
  std::ostringstream out;
  const Error error = ErrorOf([&] { UpgradeCommand(command_, "head", out); });
  EXPECT_THAT(error.message(), HasSubstr("revision 'bbbb' requires server >= 200, and this is PostgreSQL "));
  EXPECT_TRUE(database_->Connect()->Query("SELECT to_regclass('t_aaaa')").IsNull(0, 0));
  UpgradeCommand(command_, "aaaa", out);
  EXPECT_FALSE(database_->Connect()->Query("SELECT to_regclass('t_aaaa')").IsNull(0, 0));
}

TEST_F(RunnerCommands, UpgradeToEachFormOfTarget) {
  WriteChain();
  EXPECT_EQ(Up("+1"),
            "upgrade  aaaa N ms  The aaaa change\n"
            "1 revision applied; the database is at aaaa\n");
  EXPECT_EQ(Up("bbbb"), "upgrade  bbbb N ms  The bbbb change\n1 revision applied; the database is at bbbb\n");
  EXPECT_EQ(Up("head"), "upgrade  cccc N ms  The cccc change\n1 revision applied; the database is at cccc\n");
  EXPECT_EQ(Up("heads"), "nothing to do: the database is at cccc\n");
  EXPECT_EQ(Tables(), "t_aaaa t_bbbb t_cccc");
  EXPECT_THAT(RenderedErrorOf([&] { Up("cccd"); }), HasSubstr("hint: did you mean 'cccc'?"));
}

TEST_F(RunnerCommands, DowngradeToEachFormOfTarget) {
  WriteChain();
  Up("heads");
  EXPECT_EQ(Down("-1"), "downgrade  cccc N ms  The cccc change\n1 revision undone; the database is at bbbb\n");
  EXPECT_EQ(Down("bbbb"), "nothing to do: the database is at bbbb\n");
  Up("+1");
  EXPECT_EQ(Down("aaaa"),
            "downgrade  cccc N ms  The cccc change\ndowngrade  bbbb N ms  The bbbb change\n"
            "2 revisions undone; the database is at aaaa\n");
  EXPECT_EQ(Up("+2"),
            "upgrade  bbbb N ms  The bbbb change\nupgrade  cccc N ms  The cccc change\n"
            "2 revisions applied; the database is at cccc\n");
  EXPECT_THAT(Down("base"), HasSubstr("3 revisions undone; the database is at base\n"));
  EXPECT_EQ(Tables(), "");
  EXPECT_EQ(Down("base"), "nothing to do: the database is at base\n");
}

TEST_F(RunnerCommands, BranchesAndMerges) {
  WriteChain();
  WriteTable("dddd", "aaaa");
  EXPECT_THAT(RenderedErrorOf([&] { Up("head"); }), HasSubstr("say 'heads' for all of them"));
  EXPECT_THAT(Up("heads"), HasSubstr("4 revisions applied; the database is at cccc, dddd\n"));
  EXPECT_THAT(RenderedErrorOf([&] { Down("-1"); }), HasSubstr("2 heads are applied, 'cccc', 'dddd'"));
  WriteTable("eeee", "cccc, dddd");
  EXPECT_THAT(Up("head"), HasSubstr("1 revision applied; the database is at eeee\n"));
  EXPECT_THAT(Down("-1"), HasSubstr("the database is at cccc, dddd\n"));
}

TEST_F(RunnerCommands, AFailingStepLeavesAClearState) {
  WriteChain();
  Write("bbbb", "aaaa", "CREATE TABLE t_half ();\nDROP TABLE nowhere;", "");
  std::ostringstream out;
  const Error error = ErrorOf([&] { UpgradeCommand(command_, "heads", out); });
  EXPECT_EQ(error.kind(), ErrorKind::kMigration);
  EXPECT_EQ(error.Render(), "error: " + (directory_.path() / "db/bbbb.sql").string() +
                                ":6: table \"nowhere\" does not exist (SQLSTATE 42P01)\n"
                                "  in the upgrade of revision 'bbbb'\n  nothing of this step is kept");
  EXPECT_THAT(out.str(), HasSubstr("upgrade  aaaa"));
  EXPECT_EQ(Tables(), "t_aaaa");
  EXPECT_EQ(Current(), "aaaa  The aaaa change\n1 revision applied, 2 pending\n");
  WriteTable("bbbb", "aaaa");
  EXPECT_THAT(Up("heads"), HasSubstr("2 revisions applied"));
}

TEST_F(RunnerCommands, WhatCannotBeUndoneIsRefusedBeforeAnythingRuns) {
  WriteChain();
  directory_.Write("db/bbbb.sql", "-- migproof: revision bbbb\n-- migproof: parents aaaa\n-- migproof: upgrade\n");
  Up("heads");
  EXPECT_THAT(RenderedErrorOf([&] { Down("base"); }), HasSubstr("revision 'bbbb' has no downgrade"));
  EXPECT_EQ(Tables(), "t_aaaa t_cccc");
  EXPECT_EQ(Current(), "cccc  The cccc change  (head)\n3 revisions applied, 0 pending\n");
}

TEST_F(RunnerCommands, EditedRevisionsAreRefusedUntilStamped) {
  WriteChain();
  Up("bbbb");
  Write("aaaa", "", "CREATE TABLE t_aaaa (); -- more", "DROP TABLE t_aaaa;");
  const Error error = ErrorOf([&] { Up("heads"); });
  EXPECT_EQ(error.kind(), ErrorKind::kHistory);
  EXPECT_EQ(error.message(), "a revision was edited after being applied: 'aaaa'");
  EXPECT_THAT(error.hint(), HasSubstr("put the old text back and write a new revision"));
  EXPECT_THAT(error.where().file, HasSubstr("aaaa.sql"));
  EXPECT_EQ(Tables(), "t_aaaa t_bbbb");
  EXPECT_THAT(Current(), HasSubstr("aaaa  (edited after being applied)\n"));
  Stamp("bbbb");
  EXPECT_THAT(Up("heads"), HasSubstr("1 revision applied"));
}

TEST_F(RunnerCommands, OutOfOrderIsRefusedUnlessAllowed) {
  WriteTable("aaaa", "");
  WriteTable("cccc", "aaaa");
  Up("heads");
  WriteTable("bbbb", "aaaa");
  WriteTable("cccc", "bbbb");  // slipped in below what is applied
  const Error error = ErrorOf([&] { Up("heads"); });
  EXPECT_EQ(error.kind(), ErrorKind::kHistory);
  EXPECT_EQ(error.Render(),
            "error: out of order: 'cccc' is applied, and 'bbbb' below it is not\n"
            "hint: --allow-out-of-order applies it now; 'migproof stamp' records it without running it");
  command_.allow_out_of_order = true;
  EXPECT_THAT(Up("heads"), HasSubstr("upgrade  bbbb"));
  EXPECT_EQ(Tables(), "t_aaaa t_bbbb t_cccc");
}

TEST_F(RunnerCommands, UnknownEntriesAreRefusedAndShown) {
  WriteChain();
  Up("heads");
  std::filesystem::remove(directory_.path() / "db/cccc.sql");
  for (const Command command : {Command{UpgradeCommand}, Command{DowngradeCommand}}) {
    EXPECT_THAT(RenderedErrorOf([&] { Run(command, "base"); }),
                HasSubstr("the database has 'cccc' applied, which is not in the history"));
  }
  EXPECT_EQ(Current(), "cccc  (not in the history)\nbbbb  The bbbb change  (head)\n2 revisions applied, 0 pending\n");
  EXPECT_EQ(Stamp("heads"), "the ledger says bbbb now (2 revisions); no script was run\n");
  EXPECT_EQ(Up("heads"), "nothing to do: the database is at bbbb\n");
}

TEST_F(RunnerCommands, DirtyLedgersAreRefusedAndShown) {
  command_.config.format = "golang-migrate";
  directory_.Write("db/1_one.up.sql", "CREATE TABLE t_one ();");
  directory_.Write("db/2_two.up.sql", "DROP TABLE nowhere;");
  EXPECT_EQ(ErrorOf([&] { Up("heads"); }).sqlstate(), "42P01");
  EXPECT_THAT(RenderedErrorOf([&] { Up("heads"); }), HasSubstr("the step to '2_two' began and did not end (dirty)"));
  EXPECT_THAT(Current(), HasSubstr("2_two  (dirty: the step to it began and did not end)\n"));
  Stamp("1_one");
  EXPECT_EQ(Current(), "1_one  one\n1 revision applied, 1 pending\n");
}

TEST_F(RunnerCommands, CurrentOfADatabaseWithoutLedger) {
  WriteChain();
  EXPECT_EQ(Current(), "0 revisions applied, 3 pending\n");
  EXPECT_TRUE(database_->Connect()->Query("SELECT to_regclass('migproof_ledger')").IsNull(0, 0));
}

TEST_F(RunnerCommands, StampRunsNoScript) {
  WriteChain();
  EXPECT_EQ(Stamp("bbbb"), "the ledger says bbbb now (2 revisions); no script was run\n");
  EXPECT_EQ(Tables(), "");
  EXPECT_EQ(Stamp("base"), "the ledger says base now (0 revisions); no script was run\n");
  EXPECT_THAT(Up("heads"), HasSubstr("3 revisions applied"));
}

// One of them does each step, the other finds it done; CREATE INDEX CONCURRENTLY, which waits for every older snapshot,
// must not wait for the runner that waits for the lock.
TEST_F(RunnerCommands, TwoRunnersAtOnce) {
  WriteChain();
  Write("dddd", "cccc", "CREATE TABLE t_dddd (x int);\nCREATE INDEX CONCURRENTLY i ON t_dddd (x);",
        "DROP TABLE t_dddd;", "-- migproof: transaction off\n");
  std::vector<std::string> outputs(3);
  std::vector<std::thread> threads;
  for (std::string& output : outputs) {
    threads.emplace_back([&] {
      std::ostringstream out;
      UpgradeCommand(command_, "heads", out);
      output = out.str();
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::sort(outputs.begin(), outputs.end());
  EXPECT_EQ(outputs[0], "nothing to do: the database is at dddd\n");
  EXPECT_EQ(outputs[1], "nothing to do: the database is at dddd\n");
  EXPECT_THAT(outputs[2], HasSubstr("4 revisions applied; the database is at dddd\n"));
  EXPECT_EQ(Tables(), "t_aaaa t_bbbb t_cccc t_dddd");
}

TEST_F(RunnerCommands, AHeldLockIsReported) {
  WriteChain();
  command_.runner_lock_timeout_ms = 30;
  const auto other = database_->Connect();
  const RunnerLock lock(*other, 0);
  EXPECT_THAT(RenderedErrorOf([&] { Up("heads"); }), HasSubstr("another runner is at work on database"));
  EXPECT_EQ(Tables(), "");
}

TEST_F(RunnerCommands, AnUnreachableDatabaseIsReportedWithoutThePassword) {
  WriteChain();
  for (const char* url : {"postgresql://someone:geheim123@/nowhere?host=/nonexistent",
                          "host=/nonexistent user=someone password=geheim123 dbname=nowhere"}) {
    command_.database_url = url;
    const Error error = ErrorOf([&] { Up("heads"); });
    EXPECT_EQ(error.kind(), ErrorKind::kServer);
    EXPECT_THAT(error.Render(), HasSubstr("can't connect to database 'nowhere'"));
    EXPECT_THAT(error.Render(), Not(HasSubstr("geheim123")));
  }
}

TEST_F(RunnerCommands, AWrongPasswordIsReportedWithoutIt) {
  WriteChain();
  const ServerUser user = FindServerUser();
  const Binaries binaries = FindBinaries("", {}, user);
  ServerProcess server(RunDirectory::ChooseBase(""), user);
  PrepareData(server, binaries, user, {});
  std::ofstream(server.data() + "/pg_hba.conf") << "local all postgres trust\nlocal all all scram-sha-256\n";
  server.Start(binaries.directory, ServerSettings(false), 30'000);
  Session(server.Conninfo("postgres"))
      .Execute("CREATE ROLE guarded LOGIN PASSWORD 'right'; GRANT CREATE ON SCHEMA public TO guarded");
  const std::string conninfo = WithOption(server.Conninfo("postgres"), "user", "guarded");
  command_.database_url = WithOption(conninfo, "password", "geheim123");
  const Error error = ErrorOf([&] { Up("heads"); });
  EXPECT_EQ(error.kind(), ErrorKind::kServer);
  EXPECT_THAT(error.Render(), HasSubstr("password authentication failed"));
  EXPECT_THAT(error.Render(), Not(HasSubstr("geheim123")));
  command_.database_url = WithOption(conninfo, "password", "right");
  EXPECT_THAT(Up("heads"), HasSubstr("3 revisions applied"));
}

TEST_F(RunnerCommands, BrokenHistoriesAreRefusedBeforeConnecting) {
  WriteTable("aaaa", "zzzz");
  command_.database_url = "host=/nonexistent";
  EXPECT_EQ(ErrorOf([&] { Up("heads"); }).kind(), ErrorKind::kHistory);
}

TEST_F(RunnerCommands, TimeoutsOfTheConfigurationReachTheSteps) {
  Write("aaaa", "", "CREATE TABLE t_aaaa AS SELECT current_setting('lock_timeout') AS v;", "");
  command_.config.lock_timeout_ms = 4321;
  Up("heads");
  EXPECT_EQ(database_->Connect()->Query("SELECT v FROM t_aaaa").Get(0, 0), "4321ms");
}

class OfflineCommands : public RunnerCommands {
 protected:
  std::string Script(Command command, std::string_view target) {
    DatabaseCommand offline = command_;
    offline.sql = true;
    offline.database_url = "";  // none is needed
    std::ostringstream out;
    command(offline, target, out);
    return out.str();
  }
  void Psql(const std::string& script) {
    ASSERT_EQ(RunPsql(other_->Conninfo(), directory_.Write("script.sql", script)), 0) << script;
  }
  void ExpectSame() {
    EXPECT_EQ(TablesOf(*other_), Tables());
    EXPECT_EQ(LedgerText(*other_), LedgerText(*database_));
  }

  std::unique_ptr<Database> other_ = Database::Create(TestServer());
};

TEST_F(OfflineCommands, EndWhereTheOnlineRunEnds) {
  WriteChain();
  Write("dddd", "cccc",
        "CREATE TABLE t_dddd (x int);\nSET search_path = pg_catalog;\nCREATE INDEX CONCURRENTLY i ON "
        "public.t_dddd (x) -- no semicolon",
        "DROP TABLE t_dddd;", "-- migproof: transaction off\n");
  Write("eeee", "dddd", "CREATE TABLE t_eeee (x text);\nCOPY t_eeee FROM STDIN;\na;b\n\\.", "DROP TABLE t_eeee;");
  Up("bbbb");
  Psql(Script(UpgradeCommand, "bbbb"));
  ExpectSame();
  Up("heads");
  Psql(Script(UpgradeCommand, "bbbb:heads"));
  ExpectSame();
  EXPECT_EQ(other_->Connect()->Query("SELECT x FROM t_eeee").Get(0, 0), "a;b");
  Down("bbbb");
  Psql(Script(DowngradeCommand, "heads:bbbb"));
  ExpectSame();
  Stamp("aaaa");
  Psql(Script(StampCommand, "bbbb:aaaa"));
  ExpectSame();
  Stamp("heads");
  Psql(Script(StampCommand, "aaaa:heads"));
  ExpectSame();
}

TEST_F(OfflineCommands, AFailingScriptStops) {
  Write("aaaa", "", "CREATE TABLE t_aaaa ();\nDROP TABLE nowhere;\nCREATE TABLE t_more ();", "");
  WriteTable("bbbb", "aaaa");
  EXPECT_EQ(RunPsql(other_->Conninfo(), directory_.Write("script.sql", Script(UpgradeCommand, "heads")), true), 3);
  EXPECT_EQ(TablesOf(*other_), "");
}

TEST_F(OfflineCommands, AFileSentAsOneQueryIsStillAllOrNothing) {
  command_.config.format = "golang-migrate";
  directory_.Write("db/1_one.up.sql", "CREATE TABLE t_one ();\nDROP TABLE nowhere");
  const std::string script = Script(UpgradeCommand, "heads");
  EXPECT_EQ(RunPsql(other_->Conninfo(), directory_.Write("script.sql", script), true), 3);
  EXPECT_EQ(TablesOf(*other_), "");
  EXPECT_EQ(other_->Connect()->Query("SELECT version || dirty::text FROM schema_migrations").Get(0, 0), "1true");
}

TEST_F(OfflineCommands, RangesAreChecked) {
  WriteChain();
  EXPECT_THAT(Script(UpgradeCommand, "aaaa:bbbb"), HasSubstr("-- upgrade bbbb\nBEGIN;\nCREATE TABLE t_bbbb ();"));
  EXPECT_THAT(Script(UpgradeCommand, "aaaa:bbbb"), Not(HasSubstr("-- upgrade aaaa")));
  EXPECT_THAT(RenderedErrorOf([&] { Script(UpgradeCommand, "bbbb:aaaa"); }), HasSubstr("'bbbb' is not below 'aaaa'"));
  EXPECT_THAT(RenderedErrorOf([&] { Script(DowngradeCommand, "aaaa"); }), HasSubstr("--sql takes FROM:TO"));
  EXPECT_THAT(RenderedErrorOf([&] { Script(DowngradeCommand, "aaaa:cccc"); }),
              HasSubstr("can't downgrade to 'cccc': it is not applied"));
  EXPECT_THAT(Script(DowngradeCommand, "cccc:-1"), HasSubstr("-- downgrade cccc"));
}

}  // namespace
}  // namespace migproof
