// How long it takes until a server answers.
#include <filesystem>
#include <string>

#include "ci/bench/bench.h"
#include "harness/postgres/binaries.h"
#include "harness/postgres/provider.h"
#include "harness/postgres/run_directory.h"
#include "harness/postgres/server_process.h"
#include "harness/postgres/token.h"
#include "migrations/session.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;

constexpr int kTimeoutMs = 60'000;

// initdb and `pg_ctl -w start` as a script would call them, on the same filesystem and as the same user as ours.
double PlainStart() {
  const ServerUser user = FindServerUser();
  const std::string binaries = FindBinaries("", {}, user).directory;
  ServerProcess process(RunDirectory::ChooseBase(""), user);
  const double took = Milliseconds([&] {
    process.Run({binaries + "/initdb", "-D", process.data(), "-U", "postgres", "--auth=trust"}, kTimeoutMs);
    process.Run({binaries + "/pg_ctl", "-D", process.data(), "-w", "-o",
                 "-c listen_addresses= -k " + process.directory(), "start"},
                kTimeoutMs);
    Session(process.Conninfo("postgres")).Execute("SELECT 1");
  });
  process.Run({binaries + "/pg_ctl", "-D", process.data(), "-w", "-m", "immediate", "stop"}, kTimeoutMs);
  return took;
}

double OurStart(const StartOptions& options) {
  std::unique_ptr<Server> server;
  return Milliseconds([&] {
    server = ParseServerSpec("local").Start(options);
    server->Admin().Execute("SELECT 1");
  });
}

class WarmStart : public Measurement {
 public:
  std::string_view Summary() const override { return "a server that answers, against initdb and pg_ctl -w start"; }
  Limits limits() const override { return {80, 0.2}; }
  Round Measure() const override {
    OurStart({});  // fills the cache where it is empty
    return {OurStart({}), PlainStart()};
  }
};

class ColdStart : public Measurement {
 public:
  std::string_view Summary() const override { return "the same without anything in the cache"; }
  int rounds() const override { return 5; }
  Limits limits() const override { return {1500, 2}; }
  Round Measure() const override {
    StartOptions options;
    options.cache_directory = fs::temp_directory_path() / ("migproof-bench-" + RandomToken(8));
    const Round round{OurStart(options), PlainStart()};
    fs::remove_all(options.cache_directory);
    return round;
  }
};

const Registered<Measurement, WarmStart> kWarmStart("warm_start");
const Registered<Measurement, ColdStart> kColdStart("cold_start");

}  // namespace
}  // namespace migproof
