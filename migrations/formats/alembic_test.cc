// Histories of Alembic: read without being run, and run by Alembic itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "ci/expect_error.h"
#include "ci/program.h"
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
using testing::IsEmpty;
using testing::Not;

const Format& Alembic() { return Registry<Format>::Get("alembic"); }

constexpr const char* kEnv = R"(
from alembic import context
from sqlalchemy import engine_from_config, pool

engine = engine_from_config(context.config.get_section("alembic"), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
)";

// An Alembic project of one test.
class AlembicFiles {
 public:
  explicit AlembicFiles(const std::string& env = kEnv) {
    Write("alembic.ini", "[alembic]\nscript_location = %(here)s/db\n");
    Write("db/env.py", env);
    std::filesystem::create_directories(path() / "db" / "versions");
  }

  const std::filesystem::path& path() const { return directory_.path(); }
  void Write(const std::string& name, const std::string& text) const { directory_.Write(name, text); }

  // `down_revision` and `more` are Python; no `downgrade` is none.
  void Revision(const std::string& id, const std::string& down_revision, const std::string& upgrade = "pass",
                const std::string& downgrade = "pass", const std::string& more = "") const {
    std::string text = "\"\"\"Does " + id + "\"\"\"\nimport sqlalchemy as sa\nfrom alembic import op\nrevision = \"" +
                       id + "\"\ndown_revision = " + down_revision + "\n" + more + "\ndef upgrade():\n    " + upgrade +
                       "\n";
    if (!downgrade.empty()) text += "\ndef downgrade():\n    " + downgrade + "\n";
    Write("db/versions/" + id + ".py", text);
  }

  std::vector<migproof::Revision> Read() const { return Alembic().Read(path()); }

  std::string Complaint() const {
    return RenderedErrorOf([&] { const History history(Read()); });
  }

 private:
  TempDirectory directory_;
};

const Revision& Named(const std::vector<Revision>& revisions, const std::string& id) {
  for (const Revision& revision : revisions) {
    if (revision.id == id) return revision;
  }
  throw std::runtime_error("no revision " + id);
}

TEST(AlembicHistory, ReadsTheGraph) {
  const AlembicFiles files;
  files.Revision("a1", "None", "pass", "pass", "branch_labels = ('shop',)");
  files.Revision("b1", "'a1'");
  files.Revision("b2", "'a1'", "pass", "pass", "depends_on = None");
  files.Revision("c1", "('b1', 'b2')");
  files.Revision("d1", "None", "pass", "pass", "depends_on = 'shop'");
  files.Write("db/versions/__init__.py", "");
  files.Write("db/versions/README", "not a revision");
  const std::vector<Revision> revisions = files.Read();
  const History history(revisions);
  EXPECT_EQ(history.size(), 5U);
  EXPECT_THAT(Named(revisions, "c1").parents, ElementsAre("b1", "b2"));
  EXPECT_THAT(Named(revisions, "a1").labels, ElementsAre("shop"));
  EXPECT_THAT(Named(revisions, "d1").depends_on, ElementsAre("a1"));  // named by its label
  EXPECT_EQ(history.Heads().size(), 2U);
  EXPECT_EQ(history.Bases().size(), 2U);
  EXPECT_EQ(Named(revisions, "b1").title, "Does b1");
  EXPECT_EQ(Named(revisions, "b1").where.file, (files.path() / "db/versions/b1.py").string());
  EXPECT_EQ(Named(revisions, "b1").upgrade.execution, Execution::kTool);
  EXPECT_EQ(Named(revisions, "b1").upgrade.script.first_line(), 7);
}

TEST(AlembicHistory, RunsNothingToRead) {
  const AlembicFiles files("raise SystemExit('env.py was run')\n");
  files.Revision("a1", "None", "pass", "pass", "raise SystemExit('the revision was run')");
  EXPECT_EQ(files.Read().size(), 1U);
}

TEST(AlembicHistory, KnowsWhatCannotBeUndone) {
  const AlembicFiles files;
  files.Revision("a1", "None", "pass", "raise NotImplementedError('the hashes are gone')");
  files.Revision("a2", "'a1'", "pass", "");
  files.Revision("a3", "'a2'", "pass", "pass", "# migproof: loses t.note \"on purpose\"");
  const std::vector<Revision> revisions = files.Read();
  EXPECT_FALSE(Named(revisions, "a1").downgrade);
  ASSERT_TRUE(Named(revisions, "a1").Declares("irreversible"));
  EXPECT_EQ(Named(revisions, "a1").declarations[0].reason, "the hashes are gone");
  EXPECT_FALSE(Named(revisions, "a2").downgrade);
  EXPECT_FALSE(Named(revisions, "a2").Declares("irreversible"));
  EXPECT_TRUE(Named(revisions, "a3").downgrade);
  const Declaration* loses = Named(revisions, "a3").FindDeclaration("loses", "t.note");
  ASSERT_NE(loses, nullptr);
  EXPECT_EQ(loses->where.line, 6);
}

TEST(AlembicHistory, FindsVersionsWhereverTheyAre) {
  const AlembicFiles files;
  files.Write(
      "alembic.ini",
      "[DEFAULT]\nroot = %(here)s\n[alembic]\n; a comment\nscript_location = db\n"
      "version_locations = %(root)s/one:db/two\nversion_path_separator = os\nrecursive_version_locations = yes\n");
  files.Write("one/a.py", "revision = 'a'\ndown_revision = None\ndef upgrade(): pass\n");
  files.Write("db/two/deep/b.py", "revision = 'b'\ndown_revision = 'a'\ndef upgrade(): pass\n");
  EXPECT_EQ(History(files.Read()).Heads()[0]->id, "b");
  EXPECT_EQ(Alembic().Read(files.path() / "alembic.ini").size(), 2U);
  EXPECT_EQ(Alembic().Read(files.path() / "db").size(), 2U);
}

TEST(AlembicHistory, ReadsPyproject) {
  const AlembicFiles files;
  std::filesystem::remove(files.path() / "alembic.ini");
  files.Write("pyproject.toml", "[tool.alembic]\nscript_location = \"%(here)s/db\"\n");
  files.Revision("a1", "None");
  EXPECT_EQ(files.Read().size(), 1U);
}

TEST(AlembicHistory, RefusesWhatItCannotRead) {
  const auto complaint = [](const std::string& text) {
    const AlembicFiles files;
    files.Write("db/versions/x.py", text);
    const std::string said = files.Complaint();
    EXPECT_THAT(said, HasSubstr("db/versions/x.py"));
    return said;
  };
  const std::string function = "def upgrade():\n    pass\n";
  EXPECT_THAT(complaint("x = 1\n"), HasSubstr("the file names no revision"));
  EXPECT_THAT(complaint("revision = new()\n"), HasSubstr("x.py:1: what `revision` is can't be read without running"));
  EXPECT_THAT(complaint("revision = 'a'\n" + function), HasSubstr("the file has no `down_revision`"));
  EXPECT_THAT(complaint("revision = 'a'\n\ndown_revision = PREVIOUS\n"), HasSubstr("x.py:3: what `down_revision` is"));
  EXPECT_THAT(complaint("revision = 'a'\ndown_revision = None\n"), HasSubstr("the file has no function `upgrade`"));
  EXPECT_THAT(complaint("revision = 'a'\ndown_revision = 'b'\n" + function), HasSubstr("names parent 'b'"));
  EXPECT_THAT(complaint("revision = 'a\n"), HasSubstr("a string is not closed"));
}

TEST(AlembicHistory, RefusesADirectoryWithoutAProject) {
  const AlembicFiles files;
  EXPECT_THAT(RenderedErrorOf([&] { Alembic().Read(files.path() / "db" / "versions"); }),
              HasSubstr("there is no alembic.ini and no env.py"));
  files.Write("alembic.ini", "[alembic]\n");
  EXPECT_THAT(files.Complaint(), HasSubstr("there is no script_location"));
  files.Write("alembic.ini", "[alembic]\nscript_location = elsewhere\n");
  EXPECT_THAT(files.Complaint(), HasSubstr("there is no env.py in"));
  files.Write("alembic.ini", "[alembic\n");
  EXPECT_THAT(files.Complaint(), HasSubstr("alembic.ini:1: the section '[alembic' is not closed"));
}

// A project at work on a database of its own.
class AlembicRun {
 public:
  explicit AlembicRun(const AlembicFiles& files, std::map<std::string, std::string> values = {},
                      const std::string& url_env = "DATABASE_URL")
      : history_(files.Read()),
        settings_{files.path(), url_env, std::move(values)},
        ledger_(Alembic().MakeLedger(settings_)),
        tool_(Alembic().MakeTool(settings_)),
        database_(Database::Create(TestServer())),
        session_(database_->Connect()),
        runner_(*session_, history_, *ledger_, Options()) {}

  Runner& runner() { return runner_; }
  Session& session() { return *session_; }
  const History& history() const { return history_; }
  void Upgrade(const std::string& id) { runner_.Apply({Direction::kUpgrade, &history_.Get(id)}); }
  void Downgrade(const std::string& id) { runner_.Apply({Direction::kDowngrade, &history_.Get(id)}); }
  std::string Text(const std::string& sql) { return std::string(session_->Query(sql).Get(0, 0)); }
  bool Has(const std::string& relation) { return Text("SELECT to_regclass('" + relation + "') IS NOT NULL") == "t"; }
  std::string Versions(const std::string& table = "alembic_version") {
    return Text("SELECT coalesce(string_agg(version_num, ' ' ORDER BY 1), '') FROM " + table);
  }

 private:
  RunnerOptions Options() {
    RunnerOptions options;
    options.tool = tool_.get();
    return options;
  }

  History history_;
  ToolSettings settings_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<StepTool> tool_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Session> session_;
  Runner runner_;
};

TEST(AlembicStep, FailsWithThePlaceInTheFileAndTheStatement) {
  const AlembicFiles files;
  files.Revision("a1", "None", "op.execute('CREATE TABLE t (id int PRIMARY KEY)')");
  files.Revision("a2", "'a1'", "op.execute('INSERT INTO t VALUES (7)')\n    op.execute('INSERT INTO t VALUES (7)')");
  AlembicRun run(files);
  run.runner().Prepare();
  run.Upgrade("a1");
  const Error error = ErrorOf([&] { run.Upgrade("a2"); });
  EXPECT_EQ(error.kind(), ErrorKind::kMigration);
  EXPECT_EQ(error.sqlstate(), "23505");
  EXPECT_EQ(error.sql()->statement, "INSERT INTO t VALUES (7)");
  EXPECT_EQ(error.sql()->constraint, "t_pkey");
  EXPECT_EQ(error.where(), (SourceLocation{(files.path() / "db/versions/a2.py").string(), 9}));
  EXPECT_THAT(error.Render(), HasSubstr("in the upgrade of revision 'a2'"));
  EXPECT_EQ(run.Text("SELECT count(*) FROM t"), "0");
  EXPECT_EQ(run.Versions(), "a1");
  EXPECT_EQ(run.runner().ApplyLeavingOutFailures({Direction::kUpgrade, &run.history().Get("a2")}).size(), 1U);
  EXPECT_EQ(run.Text("SELECT count(*) FROM t"), "1");
  EXPECT_EQ(run.Versions(), "a2");
}

TEST(AlembicStep, AnExceptionNamesItsLineAndWhatWasSent) {
  const AlembicFiles files;
  files.Revision("a1", "None", "op.execute('CREATE TABLE t (id int)')\n    raise ValueError('no luck')");
  AlembicRun run(files);
  run.runner().Prepare();
  const Error error = ErrorOf([&] { run.Upgrade("a1"); });
  EXPECT_EQ(error.kind(), ErrorKind::kMigration);
  EXPECT_EQ(error.message(), "ValueError: no luck (after 1 statement, the last: CREATE TABLE t (id int))");
  EXPECT_EQ(error.where().line, 9);
  EXPECT_FALSE(run.Has("t"));
  const std::vector<Error> left_out =
      run.runner().ApplyLeavingOutFailures({Direction::kUpgrade, &run.history().Get("a1")});
  EXPECT_EQ(left_out.size(), 1U);
  EXPECT_TRUE(run.Has("t"));
}

constexpr const char* kSwallow =
    "for name in ('t', 't', 'u', 'v'):\n        try:\n            op.execute(f'CREATE TABLE {name} (id int)')\n"
    "        except Exception:\n            pass";

TEST(AlembicStep, ASwallowedErrorIsAFindingOfItsOwn) {
  const AlembicFiles files;
  files.Revision("a1", "None", kSwallow);
  AlembicRun run(files);
  run.runner().Prepare();
  const Error error = ErrorOf([&] { run.Upgrade("a1"); });
  EXPECT_EQ(error.sqlstate(), "42P07");
  EXPECT_THAT(error.message(), HasSubstr("an error is swallowed and leaves the transaction aborted: relation \"t\" "
                                         "already exists; 2 later statements are ignored"));
  EXPECT_THAT(error.message(), Not(HasSubstr("recorded all the same")));
  EXPECT_EQ(error.where().line, 10);
}

TEST(AlembicStep, ASwallowedErrorIsFoundWhereTheVersionIsRecorded) {
  const AlembicFiles files;
  files.Revision("a1", "None", std::string(kSwallow) + "\n    with op.get_context().autocommit_block():\n        pass");
  AlembicRun run(files);
  run.runner().Prepare();
  EXPECT_THAT(ErrorOf([&] { run.Upgrade("a1"); }).message(), HasSubstr("and the version is recorded all the same"));
  EXPECT_EQ(run.Versions(), "a1");
  EXPECT_FALSE(run.Has("v"));
}

TEST(AlembicStep, AnErrorBehindASavepointIsNone) {
  const AlembicFiles files;
  files.Revision("a1", "None",
                 "try:\n        with op.get_bind().begin_nested():\n            op.execute('DROP TABLE nowhere')\n"
                 "    except Exception:\n        op.execute('CREATE TABLE t (id int)')");
  AlembicRun run(files);
  run.runner().Prepare();
  run.Upgrade("a1");
  EXPECT_TRUE(run.Has("t"));
}

TEST(AlembicStep, FollowsTheGraph) {
  const AlembicFiles files;
  files.Revision("a1", "None", "op.execute('CREATE TABLE t (id int)')", "op.execute('DROP TABLE t')");
  files.Revision("b1", "'a1'");
  files.Revision("b2", "'a1'");
  files.Revision("c1", "('b1', 'b2')");
  AlembicRun run(files);
  run.runner().Prepare();
  for (const char* id : {"a1", "b1", "b2"}) run.Upgrade(id);
  EXPECT_EQ(run.Versions(), "b1 b2");
  EXPECT_EQ(run.runner().Applied().size(), 3U);
  run.Upgrade("c1");
  EXPECT_EQ(run.Versions(), "c1");
  EXPECT_EQ(run.runner().Applied().size(), 4U);
  for (const char* id : {"c1", "b2", "b1", "a1"}) run.Downgrade(id);
  EXPECT_EQ(run.Versions(), "");
  EXPECT_FALSE(run.Has("t"));
}

TEST(AlembicStep, WritesToTheProjectsOwnVersionTable) {
  std::string env = kEnv;
  env.replace(env.find("connection=connection)"), 22,
              "connection=connection, version_table=\"done\", version_table_schema=\"ops\", "
              "transaction_per_migration=True)");
  const AlembicFiles files(env);
  files.Revision("a1", "None", "op.execute('CREATE TABLE t (id int)')");
  AlembicRun run(files);
  run.session().Execute("CREATE SCHEMA ops");
  run.runner().Prepare();
  run.Upgrade("a1");
  EXPECT_EQ(run.Versions("ops.done"), "a1");
  EXPECT_FALSE(run.Has("alembic_version"));
  EXPECT_THAT(run.runner().Applied(), ElementsAre("a1"));
}

TEST(AlembicStep, RecordsWhatWasSent) {
  const AlembicFiles files;
  files.Revision("a1", "None", "op.execute('CREATE TABLE t (id int)')");
  files.Revision("a2", "'a1'", "op.get_bind().execute(sa.text('SELECT count(*) FROM t')).scalar()");
  files.Revision("a3", "'a2'", "op.get_bind().connection.cursor().execute('ALTER TABLE t ADD note text')");
  AlembicRun run(files);
  run.runner().Prepare();
  for (const char* id : {"a1", "a2", "a3"}) run.Upgrade(id);
  const Section& first = run.history().Get("a1").upgrade.AsSql();
  EXPECT_EQ(first.execution, Execution::kTransaction);
  ASSERT_EQ(first.script.statements().size(), 1U);
  EXPECT_EQ(first.script.Text(first.script.statements()[0]), "CREATE TABLE t (id int)");
  EXPECT_EQ(first.script.statements()[0].line, 8);
  // A step that looks, or goes behind SQLAlchemy's back, is more than its statements.
  EXPECT_EQ(run.history().Get("a2").upgrade.AsSql().execution, Execution::kTool);
  EXPECT_EQ(run.history().Get("a3").upgrade.AsSql().execution, Execution::kTool);
}

TEST(AlembicStep, WhatDiffersFromRunToRunIsNotSentAgain) {
  const AlembicFiles files;
  files.Revision("a1", "None", "import uuid\n    op.execute(f\"CREATE TABLE \\\"{uuid.uuid4()}\\\" (id int)\")");
  AlembicRun run(files);
  run.runner().Prepare();
  run.Upgrade("a1");
  EXPECT_EQ(run.history().Get("a1").upgrade.AsSql().execution, Execution::kTransaction);
  run.Downgrade("a1");
  run.Upgrade("a1");
  EXPECT_EQ(run.history().Get("a1").upgrade.AsSql().execution, Execution::kTool);
}

TEST(AlembicConnection, AnEnvThatGoesElsewhereIsRefused) {
  const auto elsewhere = Database::Create(TestServer());
  const auto session = elsewhere->Connect();
  std::string env = kEnv;
  const std::string call = "engine_from_config(context.config.get_section(\"alembic\"), poolclass";
  env.replace(env.find(call), call.size(),
              "__import__('sqlalchemy').create_engine('" + session->Url() + "', poolclass");
  const AlembicFiles files(env);
  files.Revision("a1", "None", "op.execute('CREATE TABLE t (id int)')");
  AlembicRun run(files);
  const Error error = ErrorOf([&] { run.runner().Prepare(); });
  EXPECT_EQ(error.kind(), ErrorKind::kServer);
  EXPECT_THAT(error.Render(), HasSubstr("refused: a connection that env.py makes is to database"));
  EXPECT_EQ(ErrorOf([&] { run.Upgrade("a1"); }).kind(), ErrorKind::kServer);
  EXPECT_TRUE(session->Query("SELECT to_regclass('alembic_version')").IsNull(0, 0));
  EXPECT_TRUE(session->Query("SELECT to_regclass('t')").IsNull(0, 0));
}

// Sets a variable for the length of a test.
class Variable {
 public:
  Variable(std::string name, const std::string& value) : name_(std::move(name)) {
    setenv(name_.c_str(), value.c_str(), 1);
  }
  ~Variable() { unsetenv(name_.c_str()); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  std::string name_;
};

TEST(AlembicConnection, NothingOfTheEnvironmentLeadsToADatabase) {
  const Variable host("PGHOST", "production");
  const Variable url("MY_SERVICE", "postgresql://production/db");
  const Variable dsn("SA01_DB_DSN", "production");
  const Variable harmless("MIGPROOF_TEST_GREETING", "hello");
  const AlembicFiles files(
      std::string("import os\n"
                  "found = [n for n in ('PGHOST', 'MY_SERVICE', 'SA01_DB_DSN') if n in os.environ]\n"
                  "assert not found, found\n"
                  "assert os.environ['MIGPROOF_TEST_GREETING'] == 'hello'\n") +
      kEnv);
  files.Revision("a1", "None");
  AlembicRun run(files);
  run.runner().Prepare();
  run.Upgrade("a1");
  EXPECT_EQ(run.Versions(), "a1");
}

TEST(AlembicConnection, TheConfiguredVariableNamesTheDatabase) {
  std::string env = std::string("import os\n") + kEnv;
  const std::string section = "context.config.get_section(\"alembic\")";
  env.replace(env.find(section), section.size(), "{'sqlalchemy.url': os.environ['SA01_DB_DSN']}");
  const AlembicFiles files(env);
  files.Revision("a1", "None");
  AlembicRun run(files, {}, "SA01_DB_DSN");
  run.runner().Prepare();
  run.Upgrade("a1");
  EXPECT_EQ(run.Versions(), "a1");
}

TEST(AlembicConnection, AConnectionIsGivenWhereEnvTakesOne) {
  const AlembicFiles files(R"(
from alembic import context
connection = context.config.attributes["connection"]
context.configure(connection=connection)
with context.begin_transaction():
    context.run_migrations()
)");
  files.Revision("a1", "None", "op.execute('CREATE TABLE t (id int)')");
  AlembicRun run(files);
  run.runner().Prepare();
  run.Upgrade("a1");
  EXPECT_TRUE(run.Has("t"));
  EXPECT_EQ(run.Versions(), "a1");
}

TEST(AlembicConnection, AnAsynchronousEnvRuns) {
  if (RunProgram({"-c", "import asyncpg"}, {.program = "/usr/bin/python3"}).status != 0) {
    GTEST_SKIP() << "python3-asyncpg is not installed";
  }
  const AlembicFiles files(R"(
import asyncio
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine

def work(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

async def main():
    engine = create_async_engine(context.config.get_main_option("sqlalchemy.url"))
    async with engine.connect() as connection:
        await connection.run_sync(work)

asyncio.run(main())
)");
  files.Revision("a1", "None", "op.execute('CREATE TABLE t (id int PRIMARY KEY)')", "op.drop_table('t')");
  files.Revision("a2", "'a1'", "op.execute('INSERT INTO t VALUES (1)')\n    op.execute('INSERT INTO t VALUES (1)')");
  AlembicRun run(files);
  run.runner().Prepare();
  run.Upgrade("a1");
  EXPECT_EQ(run.Versions(), "a1");
  const Error error = ErrorOf([&] { run.Upgrade("a2"); });
  EXPECT_EQ(error.sqlstate(), "23505");
  EXPECT_EQ(error.sql()->constraint, "t_pkey");
  EXPECT_EQ(error.where().line, 9);
  EXPECT_EQ(run.runner().ApplyLeavingOutFailures({Direction::kUpgrade, &run.history().Get("a2")}).size(), 1U);
  EXPECT_EQ(run.Text("SELECT count(*) FROM t"), "1");
}

TEST(AlembicProcess, AnImportThatFailsIsShown) {
  const AlembicFiles files;
  files.Revision("a1", "None", "pass", "pass", "import a_module_that_is_not_there");
  AlembicRun run(files);
  const Error error = ErrorOf([&] { run.runner().Prepare(); });
  EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  EXPECT_THAT(error.Render(), HasSubstr("ModuleNotFoundError: No module named 'a_module_that_is_not_there'"));
  EXPECT_THAT(error.Render(), HasSubstr("db/versions/a1.py"));
}

TEST(AlembicProcess, ItSaysWhatToInstall) {
  const AlembicFiles files;
  files.Revision("a1", "None");
  files.Write("bare", "#!/bin/sh\nexec /usr/bin/python3 -S \"$@\"\n");
  chmod((files.path() / "bare").c_str(), 0755);
  for (const char* python : {"bare", "not_there"}) {
    AlembicRun run(files, {{"python", (files.path() / python).string()}});
    const Error error = ErrorOf([&] { run.runner().Prepare(); });
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_THAT(error.Render(), HasSubstr("no Python with Alembic was found"));
    EXPECT_THAT(error.Render(), HasSubstr("apt-get install alembic"));
  }
}

TEST(AlembicProcess, TheEndOfTheProcessIsSaid) {
  const AlembicFiles files;
  files.Revision("a1", "None", "import os\n    print('last words', flush=True)\n    os._exit(3)");
  AlembicRun run(files);
  run.runner().Prepare();
  const Error error = ErrorOf([&] { run.Upgrade("a1"); });
  EXPECT_EQ(error.kind(), ErrorKind::kServer);
  EXPECT_THAT(error.Render(), HasSubstr("the tool's process has ended\nlast words"));
}

TEST(AlembicVerify, AStepThatLooksAtTheDatabaseIsTriedWithRows) {
  const AlembicFiles files;
  files.Revision("a1", "None", "op.execute('CREATE TABLE t (id int PRIMARY KEY, note text)')", "op.drop_table('t')");
  files.Revision("a2", "'a1'",
                 "if op.get_bind().execute(sa.text('SELECT count(*) FROM t')).scalar() > 0:\n"
                 "        op.execute('ALTER TABLE t ADD UNIQUE (nowhere)')");
  files.Revision("a3", "'a2'", "op.execute('ALTER TABLE t ALTER note SET NOT NULL')",
                 "op.execute('ALTER TABLE t ALTER note DROP NOT NULL')");
  ProgramOptions options;
  options.directory = files.path();
  const ProgramRun run = RunProgram({"verify", "--format=alembic", "--path=.", "--law=upgrade_succeeds"}, options);
  EXPECT_EQ(run.status, 1) << run;
  EXPECT_THAT(run.out, HasSubstr("falsified  upgrade_succeeds  a2\n  at db/versions/a2.py:9"));
  EXPECT_THAT(run.out, HasSubstr("falsified  upgrade_succeeds  a3\n  at db/versions/a3.py:8"));
  EXPECT_THAT(run.out, HasSubstr("assumes t: note IS NOT NULL"));
}

TEST(AlembicVerify, TheModelMayBeSqlalchemysMetadata) {
  const AlembicFiles files;
  files.Write("shop/__init__.py", "");
  files.Write("shop/models.py",
              "import sqlalchemy as sa\nmetadata = sa.MetaData()\n"
              "sa.Table('t', metadata, sa.Column('id', sa.Integer, primary_key=True, autoincrement=False))\n");
  files.Revision("a1", "None", "op.execute('CREATE TABLE t (id int PRIMARY KEY, note text)')", "op.drop_table('t')");
  ProgramOptions options;
  options.directory = files.path();
  const ProgramRun run = RunProgram(
      {"verify", "--format=alembic", "--path=.", "--law=schema_fidelity", "--model=python:shop.models:metadata"},
      options);
  EXPECT_EQ(run.status, 1) << run;
  EXPECT_THAT(run.out, HasSubstr("+ column public.t.note: text"));
  EXPECT_THAT(run.out, HasSubstr("column: 1/1, 1 that the model does not have"));
  const ProgramRun missing = RunProgram(
      {"verify", "--format=alembic", "--path=.", "--law=schema_fidelity", "--model=python:shop.models:nothing"},
      options);
  EXPECT_EQ(missing.status, 2) << missing;
  EXPECT_THAT(missing.out, HasSubstr("AttributeError"));
}

}  // namespace
}  // namespace migproof
