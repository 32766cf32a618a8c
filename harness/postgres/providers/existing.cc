// A server that is there already, named by its URL: used in databases of our own making only.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "harness/postgres/owned_databases.h"
#include "harness/postgres/provider.h"
#include "harness/postgres/token.h"
#include "harness/postgres/watchdog.h"
#include "migrations/error.h"
#include "migrations/session.h"

namespace migproof {

namespace {

constexpr int kClaimTimeoutMs = 15'000;
constexpr int kDropTimeoutMs = 10'000;
constexpr int kOldestMajor = 13;

// The database that `url` names; "postgres" where it names none. WithoutPassword gives key='value' pairs in which a
// quote inside a value stands behind a backslash.
std::string MaintenanceDatabase(const std::string& url) {
  const std::string key = " dbname='";
  const std::string pairs = " " + WithoutPassword(url);
  const std::size_t found = pairs.find(key);
  if (found == std::string::npos) return "postgres";
  std::string name;
  for (std::size_t at = found + key.size(); at < pairs.size() && pairs[at] != '\''; ++at) {
    if (pairs[at] == '\\') ++at;
    name += pairs[at];
  }
  return name;
}

// For CREATE DATABASE and the like. WithDatabase gives pairs, to which more can be appended.
std::string MaintenanceConninfo(const std::string& url, const std::string& application_name) {
  return fmt::format("{} application_name='{}'", WithDatabase(url, MaintenanceDatabase(url)), application_name);
}

// Holds the owner's lock, and drops what is left when the owner lets go or dies.
class ExistingDuty : public WatchdogDuty {
 public:
  ExistingDuty(std::string conninfo, std::string owner) : conninfo_(std::move(conninfo)), owner_(std::move(owner)) {}

  // The only request: claim.
  std::string Answer(const std::string& /*request*/) override {
    session_ = std::make_unique<Session>(conninfo_);
    HoldOwnerLock(*session_, owner_);
    return "";
  }

  void CleanUp() override {
    if (!session_) return;
    if (session_->broken()) session_ = std::make_unique<Session>(conninfo_);
    DropOwnedDatabases(*session_, owner_, kDropTimeoutMs);
  }

 private:
  std::string conninfo_;
  std::string owner_;
  std::unique_ptr<Session> session_;
};

// Error(server) unless our role may do what is needed. A superuser may everything.
void CheckServer(Session& session) {
  if (session.major_version() < kOldestMajor) {
    throw Error(ErrorKind::kServer,
                fmt::format("the server is PostgreSQL {}, older than {}", session.major_version(), kOldestMajor));
  }
  const Rows rows =
      session.Query("SELECT rolname, rolsuper OR rolcreatedb FROM pg_catalog.pg_roles WHERE rolname = current_user");
  if (!rows.GetBool(0, 1)) {
    throw Error(ErrorKind::kServer, fmt::format("role '{}' may not create databases", rows.Get(0, 0)))
        .WithHint(fmt::format("ALTER ROLE {} CREATEDB", session.QuoteName(rows.Get(0, 0))));
  }
}

class ExistingServer : public Server {
 public:
  ExistingServer(std::string url, bool allow_existing)
      : url_(std::move(url)),
        allow_existing_(allow_existing),
        owner_(RandomToken(kOwnerTokenDigits)),
        watchdog_(std::make_unique<ExistingDuty>(MaintenanceConninfo(url_, "migproof-watch"), owner_)) {
    CheckServer(Admin());
    major_ = Admin().major_version();
    const std::string version(Admin().Query("SELECT split_part(current_setting('server_version'), ' ', 1)").Get(0, 0));
    description_ = fmt::format("PostgreSQL {} (existing, {})", version, WithoutPassword(url_));
    watchdog_.Ask("claim", kClaimTimeoutMs);
    SweepOrphanedDatabases(Admin());
  }

  std::string Conninfo(const std::string& database) const override {
    const std::string prefix = DatabasePrefix();
    if (!allow_existing_ && database.compare(0, prefix.size(), prefix) != 0) {
      throw Error(ErrorKind::kUsage, fmt::format("database '{}' of the existing server is not of our making", database))
          .WithHint("--allow-existing gives the permission to use it");
    }
    return WithDatabase(url_, database);
  }

  std::string Description() const override { return description_; }
  int major_version() const override { return major_; }
  std::string DatabasePrefix() const override { return OwnedPrefix(owner_); }

 protected:
  // Named like our databases, so that the watchdog can end a CREATE DATABASE of ours that outlives us.
  std::string AdminConninfo() const override { return MaintenanceConninfo(url_, DatabasePrefix()); }

 private:
  std::string url_;
  bool allow_existing_;
  std::string owner_;
  Watchdog watchdog_;
  int major_ = 0;
  std::string description_;
};

class ExistingProvider : public Provider {
 public:
  std::string_view Summary() const override {
    return "databases of our own on a server that is there: existing:postgresql://user@host:5432/";
  }

  std::string WhyUnavailable(const std::string& argument, const StartOptions& /*options*/) const override {
    if (argument.empty()) return "no URL given: existing:postgresql://user@host:5432/";
    try {
      Session session(MaintenanceConninfo(argument, "migproof"));
      CheckServer(session);
      return "";
    } catch (const Error& e) {
      return e.hint().empty() ? e.message() : fmt::format("{}: {}", e.message(), e.hint());
    }
  }

  std::unique_ptr<Server> Start(const std::string& argument, const StartOptions& options) const override {
    if (argument.empty()) {
      throw Error(ErrorKind::kUsage, "the provider 'existing' needs the URL of a server")
          .WithHint("existing:postgresql://user@host:5432/");
    }
    return std::make_unique<ExistingServer>(argument, options.allow_existing);
  }
};

const Registered<Provider, ExistingProvider> kExisting("existing");

}  // namespace

}  // namespace migproof
