#include "harness/postgres/guest_server.h"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <thread>
#include <utility>

#include "harness/postgres/token.h"
#include "migrations/error.h"

namespace migproof {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kPasswordDigits = 32;
constexpr auto kClosedPollEvery = std::chrono::milliseconds(1);

// By socket as a guest without a password; as the superuser, and by network, with one.
std::string AccessRules(const std::string& superuser) {
  return fmt::format("('local all \"{}\" scram-sha-256'), ('local all all trust'), ('host all all all scram-sha-256')",
                     superuser);
}

class GuestServer : public Server {
 public:
  GuestServer(std::unique_ptr<Server> server, const StartOptions& options)
      : server_(std::move(server)), extensions_(options.extensions), guest_password_(RandomToken(kPasswordDigits)) {
    Session session(server_->Conninfo("postgres"));
    by_network_ = !session.Query("SELECT pg_catalog.inet_client_addr() IS NULL").GetBool(0, 0);
    MakeRoles(session, options.superuser_password);
    Close(session, options.start_timeout_ms);
    CheckExtensions(session);
  }

  std::string Conninfo(const std::string& database) const override {
    const std::string conninfo = WithOption(WithoutPassword(server_->Conninfo(database)), "user", kGuest);
    return by_network_ ? WithOption(conninfo, "password", guest_password_) : conninfo;
  }
  std::string Description() const override { return server_->Description() + ", as a guest"; }
  int major_version() const override { return server_->major_version(); }
  std::string DatabasePrefix() const override { return server_->DatabasePrefix(); }
  bool CanBeKilled() const override { return server_->CanBeKilled(); }
  std::string Guest() const override { return kGuest; }

  // The last time that the superuser enters it, and before anybody else does.
  void Furnish(const std::string& database) const override {
    if (extensions_.empty() && major_version() >= 15) return;
    Session session(server_->Conninfo(database));
    for (const std::string& extension : extensions_) {
      session.Execute("CREATE EXTENSION " + session.QuoteName(extension));
    }
    CheckLanguages(session);
    // From 15 on it belongs to the owner of the database.
    if (major_version() < 15) session.Execute(fmt::format("ALTER SCHEMA public OWNER TO {}", kGuest));
  }

 protected:
  std::string AdminConninfo() const override { return server_->Conninfo("postgres"); }
  void KillAndStart() override { server_->Kill(); }

 private:
  void MakeRoles(Session& session, const std::string& superuser_password) {
    session.Execute("SET password_encryption = 'scram-sha-256'");
    session.Execute(fmt::format("ALTER ROLE CURRENT_USER PASSWORD {}", session.QuoteLiteral(superuser_password)));
    // Row security must not hide from our look at a guest's tables what is in them.
    session.Execute(
        fmt::format("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION BYPASSRLS "
                    "PASSWORD {}",
                    kGuest, session.QuoteLiteral(guest_password_)));
    for (const char* database : {"postgres", "template1"}) {
      session.Execute(fmt::format("REVOKE ALL ON DATABASE {} FROM PUBLIC", database));
    }
  }

  // Returns when the server lets nobody in any more who calls himself the superuser without a password.
  void Close(Session& session, int timeout_ms) {
    const Rows known = session.Query("SELECT current_user, pg_catalog.current_setting('hba_file')");
    session.Execute(fmt::format("COPY (VALUES {}) TO {}", AccessRules(std::string(known.Get(0, 0))),
                                session.QuoteLiteral(known.Get(0, 1))));
    session.Execute("SELECT pg_catalog.pg_reload_conf()");
    const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
    while (LetsIn(WithoutPassword(server_->Conninfo("postgres")))) {
      if (Clock::now() > deadline) {
        throw Error(ErrorKind::kServer,
                    fmt::format("the server still trusts everybody {} ms after it was told otherwise", timeout_ms));
      }
      std::this_thread::sleep_for(kClosedPollEvery);
    }
  }

  static bool LetsIn(const std::string& conninfo) {
    try {
      const Session session(conninfo);
      return true;
    } catch (const Error&) {
      return false;
    }
  }

  void CheckExtensions(Session& session) const {
    for (const std::string& extension : extensions_) {
      if (!session.Query("SELECT 1 FROM pg_catalog.pg_available_extensions WHERE name = $1", {extension}).empty()) {
        continue;
      }
      throw Error(ErrorKind::kServer, fmt::format("extension '{}' is not available on this server", extension))
          .WithHint("install it there, or take it out of 'extensions'");
    }
  }

  static void CheckLanguages(Session& session) {
    const Rows rows = session.Query(
        "SELECT lanname FROM pg_catalog.pg_language WHERE NOT lanpltrusted AND lanname NOT IN ('c', 'internal')");
    if (rows.empty()) return;
    throw Error(ErrorKind::kUsage, fmt::format("an extension brings the untrusted language '{}'", rows.Get(0, 0)))
        .WithHint("take it out of 'extensions': whoever writes in it has the rights of the server's account");
  }

  std::unique_ptr<Server> server_;
  std::vector<std::string> extensions_;
  std::string guest_password_;
  bool by_network_ = false;
};

}  // namespace

std::string WhyNeverAllowed(const std::string& extension) {
  static const std::map<std::string, std::string> kReasons = {
      {"adminpack", "writes the server's files"},
      {"dblink", "connects to other databases and servers"},
      {"file_fdw", "reads the server's files and runs programs"},
      {"http", "connects to other servers"},
      {"pg_background", "runs statements in other sessions"},
      {"pg_cron", "runs statements in other databases"},
      {"pg_net", "connects to other servers"},
      {"plperlu", "is an untrusted language"},
      {"plpython2u", "is an untrusted language"},
      {"plpython3u", "is an untrusted language"},
      {"plpythonu", "is an untrusted language"},
      {"plsh", "is an untrusted language"},
      {"pltclu", "is an untrusted language"},
      {"postgres_fdw", "connects to other databases and servers"},
  };
  const auto found = kReasons.find(extension);
  return found == kReasons.end() ? "" : found->second;
}

std::unique_ptr<Server> StartGuestServer(const ServerSpec& spec, const StartOptions& options) {
  if (spec.provider == "existing") {
    throw Error(ErrorKind::kUsage, "an untrusted history needs a server that nobody else uses")
        .WithHint("--postgres local or docker:IMAGE");
  }
  for (const std::string& extension : options.extensions) {
    if (const std::string why = WhyNeverAllowed(extension); !why.empty()) {
      throw Error(ErrorKind::kUsage,
                  fmt::format("extension '{}' can't be allowed to an untrusted history: it {}", extension, why));
    }
  }
  StartOptions closed = options;
  closed.superuser_password = RandomToken(kPasswordDigits);
  return std::make_unique<GuestServer>(Registry<Provider>::Get(spec.provider).Start(spec.argument, closed), closed);
}

}  // namespace migproof
