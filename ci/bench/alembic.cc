// The whole `migproof verify` of an Alembic history of 40 revisions, against what Alembic itself takes for upgrade,
// downgrade, upgrade of each revision: through its own API in one process, and through its command line.
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "ci/bench/bench.h"
#include "ci/temp_directory.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "migrations/format.h"
#include "migrations/history.h"

namespace migproof {
namespace {

constexpr int kRevisions = 40;
constexpr int kThroughCommandLine = 4;  // the rest would take as long for each

std::string Id(int number) { return fmt::format("r{:03}", number); }

// A table, then its index, a column and rows of it, in turn.
std::string Steps(int number) {
  const int table = (number - 1) / 4;
  switch (number % 4) {
    case 1:
      return fmt::format(
          "def upgrade():\n    op.create_table('t{0}', sa.Column('id', sa.Integer, primary_key=True), "
          "sa.Column('name', sa.Text, nullable=False))\n\n\ndef downgrade():\n    op.drop_table('t{0}')\n",
          table);
    case 2:
      return fmt::format(
          "def upgrade():\n    op.create_index('t{0}_name', 't{0}', ['name'])\n\n\n"
          "def downgrade():\n    op.drop_index('t{0}_name')\n",
          table);
    case 3:
      return fmt::format(
          "def upgrade():\n    op.add_column('t{0}', sa.Column('note', sa.String(100)))\n\n\n"
          "def downgrade():\n    op.drop_column('t{0}', 'note')\n",
          table);
    default:
      return fmt::format(
          "def upgrade():\n    op.create_check_constraint('t{0}_note', 't{0}', \"note <> ''\")\n\n\n"
          "def downgrade():\n    op.drop_constraint('t{0}_note', 't{0}')\n",
          table);
  }
}

void WriteProject(const TempDirectory& directory) {
  directory.Write("alembic.ini", "[alembic]\nscript_location = %(here)s/db\nsqlalchemy.url = postgresql://\n");
  directory.Write("db/env.py",
                  "import os\nfrom alembic import context\nfrom sqlalchemy import create_engine, pool\n"
                  "engine = create_engine(os.environ['DATABASE_URL'], poolclass=pool.NullPool)\n"
                  "with engine.connect() as connection:\n    context.configure(connection=connection)\n"
                  "    with context.begin_transaction():\n        context.run_migrations()\n");
  for (int number = 1; number <= kRevisions; ++number) {
    directory.Write(fmt::format("db/versions/{}.py", Id(number)),
                    fmt::format("import sqlalchemy as sa\nfrom alembic import op\n\nrevision = '{}'\n"
                                "down_revision = {}\n\n\n{}",
                                Id(number), number == 1 ? "None" : "'" + Id(number - 1) + "'", Steps(number)));
  }
  directory.Write("api.py",
                  "import sys\nfrom alembic import command\nfrom alembic.config import Config\n"
                  "config = Config('alembic.ini')\nfor revision in sys.argv[1:]:\n"
                  "    command.upgrade(config, revision)\n    command.downgrade(config, '-1')\n"
                  "    command.upgrade(config, revision)\n");
}

void Run(const std::string& command) {
  if (std::system(command.c_str()) != 0) throw Error(ErrorKind::kInternal, "can't run: " + command);
}

class VerifyAlembic : public Measurement {
 public:
  int rounds() const override { return 5; }

  Round Measure() const override {
    const TempDirectory directory;
    WriteProject(directory);
    const auto database = Database::Create(TestServer());
    const std::string begin =
        fmt::format("cd {} && DATABASE_URL='{}' ", directory.path().string(), database->Connect()->Url());
    const std::string ours = fmt::format(
        "cd {} && {} verify --cases 0 --no-save --format alembic --path . --law upgrade_succeeds "
        "--law round_trip --law idempotent_upgrade > /dev/null",
        directory.path().string(), MIGPROOF_PROGRAM);
    return {Milliseconds([&] { Run(ours); }), Plain(begin)};
  }

 protected:
  virtual double Plain(const std::string& begin) const = 0;
};

class AgainstApi : public VerifyAlembic {
 public:
  std::string_view Summary() const override {
    return "verify of 40 Alembic revisions, against up, down, up of each through Alembic's API in one process";
  }
  Limits limits() const override { return {0, 1.5}; }

 protected:
  double Plain(const std::string& begin) const override {
    std::string command = begin + "/usr/bin/python3 api.py";
    for (int number = 1; number <= kRevisions; ++number) command += " " + Id(number);
    return Milliseconds([&] { Run(command + " > /dev/null 2>&1"); });
  }
};

class AgainstCommandLine : public VerifyAlembic {
 public:
  std::string_view Summary() const override {
    return "the same, against Alembic's command line (4 revisions, times 10)";
  }
  int rounds() const override { return 3; }
  Limits limits() const override { return {0, 1.0 / 15}; }

 protected:
  double Plain(const std::string& begin) const override {
    std::string command = "true";
    for (int number = 1; number <= kThroughCommandLine; ++number) {
      for (const std::string& step : {"upgrade " + Id(number), std::string("downgrade -1"), "upgrade " + Id(number)}) {
        command += fmt::format(" && {} /usr/bin/alembic {}", begin, step);
      }
    }
    const double part = Milliseconds([&] { Run("(" + command + ") > /dev/null 2>&1"); });
    return part * kRevisions / kThroughCommandLine;
  }
};

// Reading alone. The limit is in milliseconds: this one is a promise about the reader, not about a machine's server.
class ReadAlembic : public Measurement {
 public:
  std::string_view Summary() const override { return "10,000 Alembic revision files read, against cat of them"; }
  int rounds() const override { return 3; }
  Limits limits() const override { return {1'000, 0}; }

  Round Measure() const override {
    const TempDirectory directory;
    WriteProject(directory);
    for (int number = kRevisions + 1; number <= 10'000; ++number) {
      directory.Write(fmt::format("db/versions/{}.py", Id(number)),
                      fmt::format("import sqlalchemy as sa\nfrom alembic import op\n\nrevision = '{}'\n"
                                  "down_revision = '{}'\n\n\n{}",
                                  Id(number), Id(number - 1), Steps(number)));
    }
    const double ours = Milliseconds([&] { History(Registry<Format>::Get("alembic").Read(directory.path())); });
    const std::string plain =
        fmt::format("find {} -name '*.py' -print0 | xargs -0 cat > /dev/null", (directory.path() / "db").string());
    return {ours, Milliseconds([&] { Run(plain); })};
  }
};

const Registered<Measurement, AgainstApi> kAgainstApi("verify_alembic_api");
const Registered<Measurement, AgainstCommandLine> kAgainstCommandLine("verify_alembic_cli");
const Registered<Measurement, ReadAlembic> kReadAlembic("read_alembic");

}  // namespace
}  // namespace migproof
