// What walking a history and letting it fail costs.
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "ci/bench/bench.h"
#include "ci/bench/chain.h"
#include "ci/project.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "harness/verify/rambles.h"
#include "migrations/error.h"
#include "migrations/format.h"
#include "migrations/offline.h"

namespace migproof {
namespace {

// Everything that the law does: what it holds the walks against, the ways that everybody takes and some drawn ones, a
// look at ledger, catalog and rows after each leg.
class RandomWalk : public Measurement {
 public:
  std::string_view Summary() const override {
    return "random walks over 100 revisions, against the same steps through psql";
  }
  int rounds() const override { return 5; }
  Limits limits() const override { return {0, 2}; }

  Round Measure() const override {
    const Project project;
    WriteChain(project, kRevisions);
    const std::filesystem::path path = project.path() / "migrations";
    const Subject subject("native", path, {}, Registry<Format>::Get("native").Read(path));
    TestServer();
    Round round;
    RamblesResult result;
    round.ours_ms = Milliseconds([&] {
      const Bench bench(subject, LendTestServer);
      result = TryRambles(bench, {.seed = 1, .cases = 0});
    });
    if (result.stumble) throw Error(ErrorKind::kInternal, "the benchmark's history does not hold");
    std::string script = OfflineHeader(subject.ledger());
    for (const Step& step : result.steps) script += OfflineStep(step, subject.history(), subject.ledger(), {});
    const auto database = Database::Create(TestServer());
    ProgramOptions options;
    options.program = "psql";
    const std::string file = project.Write("walk.sql", script);
    round.plain_ms = Milliseconds([&] {
      const ProgramRun run = RunProgram(
          {"-X", "-q", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1", "-f", file, database->Conninfo()}, options);
      if (run.status != 0) throw Error(ErrorKind::kInternal, "psql: " + run.err);
    });
    return round;
  }

 private:
  static constexpr int kRevisions = 100;
};

class FailuresOfAHistory : public Measurement {
 public:
  std::string_view Summary() const override {
    return "atomic_failure over 158 revisions (mattermost), against upgrade_succeeds without rows";
  }
  int rounds() const override { return 1; }
  Limits limits() const override { return {90'000, 0}; }
  Round Measure() const override {
    const char* corpora = std::getenv("MIGPROOF_CORPORA");
    const std::filesystem::path path = corpora == nullptr ? "" : std::filesystem::path(corpora) / "mattermost";
    if (path.empty() || !std::filesystem::is_directory(path)) {
      throw Error(ErrorKind::kUsage, "the history 'mattermost' is not there")
          .WithHint("MIGPROOF_CORPORA names the directory that holds it");
    }
    const auto run = [&](const std::string& what) {
      const std::string command =
          fmt::format("{} verify --no-save {} --format golang-migrate --path {} > /dev/null 2>&1", MIGPROOF_PROGRAM,
                      what, path.string());
      if (std::system(command.c_str()) < 0) throw Error(ErrorKind::kInternal, "can't run: " + command);
    };
    return {Milliseconds([&] { run("--law atomic_failure"); }),
            Milliseconds([&] { run("--law upgrade_succeeds --cases 0"); })};
  }
};

const Registered<Measurement, RandomWalk> kRandomWalk("random_walk");
const Registered<Measurement, FailuresOfAHistory> kFailuresOfAHistory("failures_mattermost");

}  // namespace
}  // namespace migproof
