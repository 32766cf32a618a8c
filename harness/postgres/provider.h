// Where throw-away PostgreSQL servers come from: local binaries, a server that is there already, containers.
//
//   const auto server = ParseServerSpec("local:15").Start({});
//   Session session(server->Conninfo("postgres"));
//
// One file in providers/ per way, registered by name; the conformance suite runs over each that this machine can serve.
#pragma once

#include <sched.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "migrations/registry.h"
#include "migrations/session.h"

namespace migproof {

struct StartOptions {
  int start_timeout_ms = 30'000;
  std::string binaries;         // directory with postgres and initdb; "" searches
  std::string cache_directory;  // for prepared data directories; "" picks one
  std::string run_directory;    // below it each server gets a directory of its own; "" picks a tmpfs, else a temp dir
  bool durable = false;         // synchronous_commit=on (for trials that kill the server); fsync stays off
  bool allow_existing = false;  // permission to use a server's databases that we did not make
  bool untrusted = false;       // what runs there may be hostile: ServerSpec::Start gives a guest server
  std::vector<std::string> extensions;  // for guest servers: made in each database by the superuser
  std::string superuser_password;       // where set, the superuser's connection strings carry it
  int days_later = 0;  // how far the server's clock is ahead of ours, where Provider::WhyClockStays is ""
};

// A running server. Destruction stops it and removes everything it made; so does the death of this process.
class Server {
 public:
  Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  virtual ~Server();

  // A libpq connection string for `database`, as a superuser where the provider can give one. Error(usage) for a
  // database that is neither ours nor permitted (StartOptions::allow_existing).
  virtual std::string Conninfo(const std::string& database) const = 0;
  // "PostgreSQL 15.20 (local, /usr/lib/postgresql/15/bin)", for reports; without secrets.
  virtual std::string Description() const = 0;
  virtual int major_version() const = 0;
  // The prefix that every database we make on this server carries.
  virtual std::string DatabasePrefix() const = 0;
  // The role that owns the databases we make, and that Conninfo connects as, where it is not the provider's own: a
  // login without any right beyond them (guest_server.h). "" where there is none.
  virtual std::string Guest() const { return ""; }
  // Called once for each new database that is not a copy of another one.
  virtual void Furnish(const std::string& /*database*/) const {}

  // Where the backends that it starts from now on run, for a server on this machine that serves nobody but us.
  virtual void RunOn(const cpu_set_t& /*cpus*/) const {}

  // Whether Kill() can be called: true only where the server serves nobody but us.
  virtual bool CanBeKilled() const { return false; }
  // Ends the server as a crash would (SIGQUIT, no checkpoint) and starts it again on the same data, from which it
  // recovers. Every connection is lost. Error(server) where it does not come back.
  void Kill();

  // A kept connection for CREATE and DROP DATABASE and for questions to the server, opened by the first call in each
  // process and reopened when it broke. Change nothing else through it. Not thread-safe.
  Session& Admin() const;

 protected:
  virtual std::string AdminConninfo() const { return Conninfo("postgres"); }
  virtual void KillAndStart();

 private:
  void AbandonInherited() const;

  mutable std::unique_ptr<Session> admin_;
  mutable int admin_process_ = 0;
};

class Provider {
 public:
  virtual ~Provider() = default;

  // One line for `migproof list providers`.
  virtual std::string_view Summary() const = 0;
  // Why this machine can't serve it ("no initdb in PATH or /usr/lib/postgresql/*/bin: apt-get install postgresql"),
  // or "" when it can. Starts nothing.
  virtual std::string WhyUnavailable(const std::string& argument, const StartOptions& options) const = 0;
  // Why its servers can't be given another clock (StartOptions::days_later), or "" where they can.
  virtual std::string WhyClockStays() const { return "the provider's servers share the clock of their machine"; }
  // `argument` is what stands behind the colon: "15" of "local:15", the URL of "existing:URL".
  // Error(server) with what to install or to check; no process or directory is left then.
  virtual std::unique_ptr<Server> Start(const std::string& argument, const StartOptions& options) const = 0;
};

template <>
struct RegistryNoun<Provider> {
  static constexpr const char* kNoun = "provider";
};

struct ServerSpec {
  std::string provider = "local";
  std::string argument;

  // Error(usage) also for a guest server where the provider has none of its own to give.
  std::unique_ptr<Server> Start(const StartOptions& options) const;
  // What tells it from others in reports: "15" for local:15, else what was written. Never ask an `existing` one: its
  // URL may hold a password.
  std::string Label() const;

  bool operator==(const ServerSpec&) const = default;
};

// "local", "local:15" or just "15", "existing:postgresql://...". Error(usage) for an unknown provider.
ServerSpec ParseServerSpec(std::string_view text);

// "13,14,docker:postgres:17": one or several, in that order. Error(usage) for one that comes twice, and for several of
// which one is there already (`existing`).
std::vector<ServerSpec> ParseServerSpecs(std::string_view text);

// Error(server) where this machine can't serve some of them: which, why, and what installs them. Starts nothing.
void ExpectAvailable(const std::vector<ServerSpec>& specs, const StartOptions& options);

}  // namespace migproof
