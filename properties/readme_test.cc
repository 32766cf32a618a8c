// The README's commands, run as they stand there: each in a project that has what it speaks of. A command that is not
// listed here fails the test, as does one that is listed and no longer there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <regex>
#include <sstream>

#include "ci/project.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct ReadmeLine {
  std::string language;  // of its block
  int block = 0;
  int number = 0;
  std::string text;
};

std::vector<ReadmeLine> LinesOfBlocks() {
  std::ifstream readme(fs::path(MIGPROOF_SOURCE_DIR) / "README.md");
  std::vector<ReadmeLine> lines;
  std::string language;
  bool open = false;
  int block = 0;
  int number = 0;
  for (std::string line; std::getline(readme, line);) {
    ++number;
    if (line.starts_with("```")) {
      open = !open;
      language = line.substr(3);
      block += open;
    } else if (open) {
      lines.push_back({language, block, number, line});
    }
  }
  return lines;
}

// What stands before a comment.
std::string Command(const std::string& line) {
  const std::string command = line.substr(0, line.find("  #"));
  return command.substr(0, command.find_last_not_of(' ') + 1);
}

using Prepare = std::function<void(const Project&)>;

void NativeHistory(const Project& project) {
  fs::remove_all(project.path() / "migrations");
  project.Revision("9f3c", "", "CREATE TABLE customers (id bigint PRIMARY KEY);", "DROP TABLE customers;");
  project.Revision("a1b2c3", "9f3c", "CREATE TABLE orders (id bigint PRIMARY KEY);", "DROP TABLE orders;");
  project.Revision("d4e5", "a1b2c3", "ALTER TABLE orders ADD note text;", "ALTER TABLE orders DROP note;");
}

void GolangHistory(const Project& project) {
  project.Write("db/migrations/000001_orders.up.sql", "CREATE TABLE orders (id bigint);");
  project.Write("db/migrations/000001_orders.down.sql", "DROP TABLE orders;");
}

void DieselHistory(const Project& project) {
  fs::remove_all(project.path() / "migrations");
  project.Write("migrations/2024-01-01-000000_orders/up.sql", "CREATE TABLE orders (id bigint, name citext);");
  project.Write("migrations/2024-01-01-000000_orders/down.sql", "DROP TABLE orders;");
  project.Write("extensions.sql", "CREATE EXTENSION citext;");
  project.Write("model.sql", "CREATE EXTENSION citext;\nCREATE TABLE orders (id bigint, name citext);");
}

void AlembicHistory(const Project& project) {
  project.Write("alembic.ini", "[alembic]\nscript_location = %(here)s/db\n");
  project.Write("db/env.py",
                "from alembic import context\nfrom sqlalchemy import create_engine, pool\n"
                "engine = create_engine(context.config.get_main_option('sqlalchemy.url'), poolclass=pool.NullPool)\n"
                "with engine.connect() as connection:\n    context.configure(connection=connection)\n"
                "    with context.begin_transaction():\n        context.run_migrations()\n");
  project.Write("db/versions/a1b2.py",
                "import sqlalchemy as sa\nfrom alembic import op\nrevision = 'a1b2'\ndown_revision = None\n"
                "def upgrade():\n    op.create_table('shops', sa.Column('id', sa.Integer, primary_key=True))\n"
                "def downgrade():\n    op.drop_table('shops')\n");
  project.Write("shop/__init__.py", "");
  project.Write("shop/models.py",
                "import sqlalchemy as sa\nclass Base:\n    metadata = sa.MetaData()\n"
                "sa.Table('shops', Base.metadata, sa.Column('id', sa.Integer, primary_key=True))\n");
}

void SqitchHistory(const Project& project) {
  project.Write("sqitch.conf", "[core]\n\tengine = pg\n");
  project.Write("sqitch.plan", "%project=shop\n\norders 2024-01-02T03:04:05Z Ada <ada@example.org> # Orders\n");
  project.Write("deploy/orders.sql", "BEGIN;\nCREATE TABLE orders (id bigint);\nCOMMIT;\n");
  project.Write("revert/orders.sql", "BEGIN;\nDROP TABLE orders;\nCOMMIT;\n");
  project.Write("verify/orders.sql", "BEGIN;\nSELECT id FROM orders WHERE false;\nROLLBACK;\n");
}

// A downgrade that loses notes, and the row that shows it.
void LossyHistory(const Project& project) {
  fs::remove_all(project.path() / "migrations");
  project.Revision("9f3c", "", "CREATE TABLE orders (id bigint PRIMARY KEY, note text);", "DROP TABLE orders;");
  project.Revision("a1b2", "9f3c", "ALTER TABLE orders DROP note;", "ALTER TABLE orders ADD note text;");
  project.Write("migproof-regressions.json",
                R"({"regressions": [{"finding": "round_trip:a1b2#1f0c2a9b", "law": "round_trip", "revision": "a1b2",
                 "message": "rows are lost", "rows": {"tables": [{"table": "public.orders", "columns": ["id", "note"],
                 "rows": [["1", "x"]], "group": 0}]}}]})");
}

void SquashedHistory(const Project& project) {
  NativeHistory(project);
  project.Write("squash.sql",
                "CREATE TABLE customers (id bigint PRIMARY KEY);\n"
                "CREATE TABLE orders (id bigint PRIMARY KEY, note text);\n");
}

void Nothing(const Project&) {}

// A clone, and a change that adds the last revision.
void GitHistory(const Project& project) {
  NativeHistory(project);
  ProgramOptions options;
  options.program = "/bin/sh";
  options.directory = project.path();
  options.environment = {{"HOME", project.path().string()}};
  const ProgramRun run =
      RunProgram({"-c",
                  "mv migrations/d4e5.sql . && git init --quiet --initial-branch=main && git add migrations &&"
                  " git -c user.name=a -c user.email=a@example.org commit --quiet -m base &&"
                  " git update-ref refs/remotes/origin/main HEAD && mv d4e5.sql migrations"},
                 options);
  EXPECT_EQ(run.status, 0) << run;
}

void NoProject(const Project& project) { fs::remove_all(project.path() / "migrations"); }

// For what fetches a hundred megabytes: installed_servers_test.cc and server_versions_test.cc do it with less.
constexpr int kNotHere = -1;

struct KnownCommand {
  std::string command;
  Prepare prepare;
  int status = 0;
};

// In the order of the README; those of one block share a project.
const std::vector<KnownCommand>& KnownCommands() {
  static const std::vector<KnownCommand> commands = {
      {"migproof verify --format golang-migrate --path db/migrations", GolangHistory},
      {"migproof verify --format diesel --path migrations --model model.sql --before extensions.sql", DieselHistory},
      {"migproof verify --since a1b2c3", NativeHistory},
      {"migproof verify --revision a1b2c3 --law round_trip", NativeHistory},
      {"migproof verify --report text --report json=report.json", NativeHistory},
      {"migproof verify --format alembic --path .", AlembicHistory},
      {"migproof verify --format alembic --path . --model python:shop.models:Base.metadata", AlembicHistory},
      {"migproof upgrade head --format alembic --path .", AlembicHistory},
      {"migproof verify --format sqitch --path .", SqitchHistory},
      {"migproof verify --cases 1000 --seed 7", NativeHistory},
      {"migproof verify --cases 0", NativeHistory},
      {"migproof reproduce round_trip:a1b2#1f0c2a9b", LossyHistory, 1},
      {"migproof reproduce round_trip:a1b2#1f0c2a9b --sql > bug.sql", LossyHistory},
      {"migproof verify --squash squash.sql --law squash_agreement", SquashedHistory},
      {"migproof verify --git-base origin/main", GitHistory},
      {"migproof verify --git-base origin/main --budget 60s", Nothing},
      {"migproof verify --profile forward-only", Nothing},
      {"migproof verify --report text --report html=report.html --report junit=junit.xml", NativeHistory},
      {"migproof verify --report github --report sarif=report.sarif", Nothing},
      {"migproof verify --report json=report.json", Nothing},
      {"migproof report show report.json --report markdown", Nothing},
      {"migproof verify --shard 1/2 --report json=1.json", NativeHistory},
      {"migproof verify --shard 2/2 --report json=2.json", Nothing},
      {"migproof report merge 1.json 2.json --report html=report.html", Nothing},
      {"migproof assumptions --database postgresql://host/db", NativeHistory},
      {"migproof verify --untrusted", NativeHistory},
      {"migproof verify --untrusted --extension pg_stat_statements", Nothing},
      {"migproof servers install 13 14 16 17 18", NativeHistory, kNotHere},
      {"migproof servers list", Nothing},
      {"migproof verify --postgres 13,14,15,16,17,18", Nothing, kNotHere},
      {"migproof catalog --at head > model.json", NativeHistory},
      {"migproof drift model.json head", Nothing},
      {"migproof drift a1b2 postgresql://host/db", Nothing, 1},
      {"migproof init", NoProject},
      {"migproof revision -m \"add orders\"", Nothing},
      {"migproof upgrade head", Nothing},
      {"migproof downgrade -1", Nothing},
      {"migproof current", Nothing},
      {"migproof upgrade base:head --sql > upgrade.sql", Nothing},
  };
  return commands;
}

// With the program in PATH, and an empty database for whatever wants one.
ProgramRun RunInShell(const std::string& command, const fs::path& directory, const Database& database) {
  ProgramOptions options;
  options.program = "/bin/sh";
  options.directory = directory;
  options.environment = {
      {"PATH", fs::path(MIGPROOF_PROGRAM).parent_path().string() + ":" + std::getenv("PATH")},  // NOLINT
      {"DATABASE_URL", database.Conninfo()},
      {"DOCKER_HOST", "unix:///nowhere"}};  // images may have to be fetched
  return RunProgram({"-c", command}, options);
}

// "postgresql://host/db" stands for a real one.
std::string WithRealUrl(const std::string& command, const Database& database) {
  const std::string conninfo = database.Conninfo();
  constexpr std::string_view kHost = "host='";
  const std::size_t begin = conninfo.find(kHost) + kHost.size();
  const std::string host = conninfo.substr(begin, conninfo.find('\'', begin) - begin);
  const std::string url = fmt::format("'postgresql://postgres@/{}?host={}'", database.name(), host);
  return std::regex_replace(command, std::regex("postgresql://host/db"), url);
}

TEST(Readme, CommandsRun) {
  auto known = KnownCommands().begin();
  std::unique_ptr<Project> project;
  const auto database = Database::Create(TestServer());
  int block = 0;
  for (const ReadmeLine& line : LinesOfBlocks()) {
    if (line.language != "sh" || !line.text.starts_with("migproof ")) continue;
    SCOPED_TRACE(fmt::format("README.md:{}: {}", line.number, line.text));
    ASSERT_NE(known, KnownCommands().end()) << "say in this test what it needs";
    ASSERT_EQ(Command(line.text), known->command) << "say in this test what it needs";
    if (std::exchange(block, line.block) != line.block) project = std::make_unique<Project>();
    known->prepare(*project);
    if (known->status == kNotHere) {
      ++known;
      continue;
    }
    const ProgramRun run = RunInShell(WithRealUrl(known->command, *database), project->path(), *database);
    EXPECT_EQ(run.status, known->status) << run;
    ++known;
  }
  EXPECT_EQ(known, KnownCommands().end()) << known->command << " is no longer in the README";
}

// What differs from one run and machine to the next.
std::string MaskedLine(const std::string& text) {
  const std::string without_times = std::regex_replace(text, std::regex(R"(\(\d+\.\d+ s\))"), "(<time>)");
  return std::regex_replace(without_times, std::regex(R"( on PostgreSQL \d[^\n]*)"), " on <server>");
}

// A session ("$ migproof ...") runs where the README is, and shows what the program says; a line in parentheses stands
// for lines left out.
TEST(Readme, SessionsShowWhatTheProgramSays) {
  const auto database = Database::Create(TestServer());
  std::string output;
  int sessions = 0;
  for (const ReadmeLine& line : LinesOfBlocks()) {
    if (line.language != "console") continue;
    SCOPED_TRACE(fmt::format("README.md:{}: {}", line.number, line.text));
    if (line.text.starts_with("$ ")) {
      const ProgramRun run = RunInShell(line.text.substr(2), MIGPROOF_SOURCE_DIR, *database);
      EXPECT_NE(run.status, 2) << run;
      output = MaskedLine(run.out + run.err);
      ++sessions;
      continue;
    }
    const bool left_out =
        line.text.find_first_not_of(' ') != std::string::npos && line.text[line.text.find_first_not_of(' ')] == '(';
    if (left_out) continue;
    EXPECT_THAT(output, HasSubstr(MaskedLine(line.text)));
  }
  EXPECT_GT(sessions, 0);
}

}  // namespace
}  // namespace migproof
