// What walking a history and letting it fail costs.
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "ci/bench/bench.h"
#include "ci/bench/chain.h"
#include "ci/bench/corpus.h"
#include "ci/project.h"
#include "ci/temp_directory.h"
#include "harness/postgres/cpu_seat.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "harness/verify/rambles.h"
#include "migrations/error.h"
#include "migrations/format.h"
#include "migrations/offline.h"

namespace migproof {
namespace {

// Everything that the law does without rows of others: every step once to know what is expected, the ways that
// everybody takes and some drawn ones, a look at ledger, catalog and rows after each leg.
class Walks : public Measurement {
 public:
  int rounds() const override { return 5; }
  Limits limits() const override { return {0, 2}; }

 protected:
  static Round Take(const std::string& format, const std::filesystem::path& path) {
    const Subject subject(format, path, {}, Registry<Format>::Get(format).Read(path));
    const CpuSeat seat(&TestServer());  // as every worker of `verify` has one
    Round round;
    RamblesResult result;
    round.ours_ms = Milliseconds([&] {
      const Bench bench(subject, LendTestServer);
      result = TryRambles(bench, {.seed = 1, .cases = 0});
    });
    if (result.stumble) throw Error(ErrorKind::kInternal, "the benchmark's history does not hold");
    for (const std::vector<Step>& steps : {result.alone, result.steps}) {
      std::string script = OfflineHeader(subject.ledger());
      for (const Step& step : steps) script += OfflineStep(step, subject.history(), subject.ledger(), {});
      round.plain_ms += Replay(script);
    }
    return round;
  }

 private:
  static double Replay(const std::string& script) {
    const TempDirectory directory;
    const AllCpus as_psql_runs(TestServer());
    const auto database = Database::Create(TestServer());
    ProgramOptions options;
    options.program = "psql";
    options.environment = {{"PGOPTIONS", "-c client_min_messages=warning"}};
    const std::vector<std::string> arguments = {"-X",
                                                "-q",
                                                "-o",
                                                "/dev/null",
                                                "-v",
                                                "ON_ERROR_STOP=1",
                                                "-f",
                                                directory.Write("walk.sql", script),
                                                database->Conninfo()};
    return Milliseconds([&] {
      const ProgramRun run = RunProgram(arguments, options);
      if (run.status != 0) throw Error(ErrorKind::kInternal, "psql: " + run.err);
    });
  }
};

class WalksOverAChain : public Walks {
 public:
  std::string_view Summary() const override {
    return "random walks over 100 revisions, against the same steps through psql";
  }
  Round Measure() const override {
    const Project project;
    WriteChain(project, kRevisions);
    return Take("native", project.path() / "migrations");
  }

 private:
  static constexpr int kRevisions = 100;
};

class WalksOverAHistory : public Walks {
 public:
  std::string_view Summary() const override {
    return "random walks over 158 revisions (mattermost), against the same steps through psql";
  }
  Round Measure() const override { return Take("golang-migrate", Corpus("mattermost")); }
};

class FailuresOfAHistory : public Measurement {
 public:
  std::string_view Summary() const override {
    return "atomic_failure over 158 revisions (mattermost), against upgrade_succeeds without rows";
  }
  int rounds() const override { return 1; }
  Limits limits() const override { return {90'000, 0}; }
  Round Measure() const override {
    const std::filesystem::path path = Corpus("mattermost");
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

const Registered<Measurement, WalksOverAChain> kWalksOverAChain("random_walk");
const Registered<Measurement, WalksOverAHistory> kWalksOverAHistory("random_walk_mattermost");
const Registered<Measurement, FailuresOfAHistory> kFailuresOfAHistory("failures_mattermost");

}  // namespace
}  // namespace migproof
