// Servers from PostgreSQL programs on this machine: a process of our own in a directory of its own.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "harness/postgres/binaries.h"
#include "harness/postgres/clock.h"
#include "harness/postgres/prepared_data.h"
#include "harness/postgres/provider.h"
#include "harness/postgres/run_directory.h"
#include "harness/postgres/server_process.h"
#include "harness/postgres/server_user.h"
#include "harness/postgres/token.h"
#include "migrations/error.h"

namespace migproof {

namespace {

constexpr int kServerTokenDigits = 8;

class LocalServer : public Server {
 public:
  LocalServer(const Binaries& binaries, const ServerUser& user, const StartOptions& options)
      : process_(RunDirectory::ChooseBase(options.run_directory), user),
        prefix_(fmt::format("migproof_{}_", RandomToken(kServerTokenDigits))),
        major_(binaries.major),
        binaries_(binaries.directory),
        options_(options) {
    const std::string version = PrepareData(process_, binaries, user, options);
    Start();
    const std::string note = user.switched && user.name != "migproof" ? ", as user " + user.name : "";
    description_ = fmt::format("PostgreSQL {} (local, {}{})", version, binaries.directory, note);
  }

  std::string Conninfo(const std::string& database) const override {
    const std::string conninfo = process_.Conninfo(database);
    return options_.superuser_password.empty() ? conninfo
                                               : WithOption(conninfo, "password", options_.superuser_password);
  }
  std::string Description() const override { return description_; }
  int major_version() const override { return major_; }
  std::string DatabasePrefix() const override { return prefix_; }
  void RunOn(const cpu_set_t& cpus) const override { process_.RunOn(cpus); }
  bool CanBeKilled() const override { return true; }

 protected:
  void KillAndStart() override {
    process_.Kill(options_.start_timeout_ms);
    Start();
  }

 private:
  void Start() {
    process_.Start(binaries_, ServerSettings(options_.durable, major_), options_.start_timeout_ms,
                   ClockLauncher(options_.days_later));
  }

  ServerProcess process_;
  std::string prefix_;
  int major_;
  std::string binaries_;
  StartOptions options_;
  std::string description_;
};

class LocalProvider : public Provider {
 public:
  std::string_view Summary() const override {
    return "a server of our own from installed programs; local:15 picks the major version";
  }

  std::string WhyUnavailable(const std::string& argument, const StartOptions& options) const override {
    try {
      FindBinaries(argument, options, FindServerUser());
      return "";
    } catch (const Error& e) {
      return e.hint().empty() ? e.message() : fmt::format("{}: {}", e.message(), e.hint());
    }
  }

  std::string WhyClockStays() const override { return WhyNoOtherClock(); }

  std::unique_ptr<Server> Start(const std::string& argument, const StartOptions& options) const override {
    const ServerUser user = FindServerUser();
    const Binaries binaries = FindBinaries(argument, options, user);
    RunDirectory::SweepStale(RunDirectory::ChooseBase(options.run_directory));
    return std::make_unique<LocalServer>(binaries, user, options);
  }
};

const Registered<Provider, LocalProvider> kLocal("local");

}  // namespace

}  // namespace migproof
