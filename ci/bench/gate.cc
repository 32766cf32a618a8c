// The gate: `migproof verify --git-base main` in a repository of 100 revisions where a change brings one more, against
// all upgrades once through psql.
#include <fmt/format.h>

#include <string>

#include "ci/bench/bench.h"
#include "ci/bench/chain.h"
#include "ci/project.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "migrations/error.h"

namespace migproof {
namespace {

constexpr int kRevisions = 100;

void Git(const Project& project, const std::vector<std::string>& arguments) {
  ProgramOptions options;
  options.program = "git";
  options.directory = project.path();
  options.environment = {{"GIT_CONFIG_NOSYSTEM", "1"}, {"HOME", project.path().string()},
                         {"GIT_AUTHOR_NAME", "a"},     {"GIT_AUTHOR_EMAIL", "a@a.org"},
                         {"GIT_COMMITTER_NAME", "a"},  {"GIT_COMMITTER_EMAIL", "a@a.org"},
                         {"GIT_DIR", std::nullopt}};
  if (RunProgram(arguments, options).status != 0) throw Error(ErrorKind::kInternal, "git " + arguments.front());
}

class Gate : public Measurement {
 public:
  std::string_view Summary() const override {
    return "the gate on 100 revisions and a new one, against all upgrades once through psql";
  }
  int rounds() const override { return 5; }
  Limits limits() const override { return {3000, 0}; }

  Round Measure() const override {
    const Project project;
    Git(project, {"init", "--quiet", "--initial-branch=main"});
    const std::string script = WriteChain(project, kRevisions);
    Git(project, {"add", "--all"});
    Git(project, {"commit", "--quiet", "-m", "base"});
    Git(project, {"checkout", "--quiet", "-b", "change"});
    project.Revision("r100", "r099", "ALTER TABLE thing_7 ADD COLUMN size integer NOT NULL DEFAULT 0;",
                     "ALTER TABLE thing_7 DROP COLUMN size;");

    Round round;
    round.ours_ms = Milliseconds([&] {
      const ProgramRun run = project.Verify({"--git-base=main", "--no-save"});
      if (run.status != 0) throw Error(ErrorKind::kInternal, "the gate: " + run.out + run.err);
    });
    const auto database = Database::Create(TestServer());
    ProgramOptions options;
    options.program = "psql";
    const std::string file = project.Write("all.sql", script);
    round.plain_ms = Milliseconds([&] {
      const ProgramRun run =
          RunProgram({"-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", file, database->Conninfo()}, options);
      if (run.status != 0) throw Error(ErrorKind::kInternal, "psql: " + run.err);
    });
    return round;
  }
};

const Registered<Measurement, Gate> kGate("gate");

}  // namespace
}  // namespace migproof
