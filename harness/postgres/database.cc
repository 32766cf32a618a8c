#include "harness/postgres/database.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <utility>

#include "harness/postgres/token.h"
#include "migrations/error.h"

namespace migproof {

namespace {

constexpr int kTokenDigits = 16;
constexpr int kBackendsGoneTimeoutMs = 5'000;

// The name and the comment of the database that the connection is to. shobj_description() would be five times as dear.
constexpr const char* kTokenQuestion =
    "SELECT d.datname AS name, s.description AS comment "
    "FROM pg_catalog.pg_database AS d LEFT JOIN pg_catalog.pg_shdescription AS s "
    "ON s.objoid OPERATOR(pg_catalog.=) d.oid "
    "AND s.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_database'::pg_catalog.regclass::pg_catalog.oid "
    "WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()";

std::string CommentOf(const std::string& token) { return "migproof " + token; }

// What belongs to one CREATE DATABASE; `source` is "" for an empty one.
std::string CreateStatement(Session& admin, const std::string& name, const std::string& source,
                            const std::string& owner, const std::string& locale) {
  std::string sql = fmt::format("CREATE DATABASE {} TEMPLATE {}", admin.QuoteName(name),
                                admin.QuoteName(source.empty() ? "template0" : source));
  if (!owner.empty()) sql += " OWNER " + admin.QuoteName(owner);
  if (source.empty()) sql += " ENCODING 'UTF8' " + locale;
  // Copying files beats the WAL (WAL_LOG, the default since 15) where fsync is off.
  if (admin.major_version() >= 15) sql += " STRATEGY file_copy";
  return sql;
}

void CreateWithToken(const Server& server, const std::string& name, const std::string& token, const std::string& source,
                     const std::string& locale = "") {
  Session& admin = server.Admin();
  admin.Execute(CreateStatement(admin, name, source, server.Guest(), locale));
  admin.Execute(
      fmt::format("COMMENT ON DATABASE {} IS {}", admin.QuoteName(name), admin.QuoteLiteral(CommentOf(token))));
  if (source.empty()) server.Furnish(name);
}

// A backend goes a moment after its connection; DROP and CREATE ... TEMPLATE meanwhile wait in steps of 100 ms.
bool WaitUntilUnused(Session& admin, const std::string& name) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kBackendsGoneTimeoutMs);
  while (true) {
    const Rows rows =
        admin.QueryPrepared("migproof_database_in_use",
                            "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE datname = $1)", {name});
    if (!rows.GetBool(0, 0)) return true;
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// TEMPLATE leaves out what ALTER DATABASE ... SET and ALTER ROLE ... IN DATABASE ... SET have given the source.
void CopySettings(Session& admin, const std::string& source, const std::string& name) {
  const Rows has = admin.QueryPrepared("migproof_database_settings",
                                       "SELECT EXISTS (SELECT FROM pg_catalog.pg_db_role_setting AS s JOIN "
                                       "pg_catalog.pg_database AS d ON d.oid = s.setdatabase WHERE d.datname = $1)",
                                       {source});
  if (!has.GetBool(0, 0)) return;
  try {
    admin.Query(
        "INSERT INTO pg_catalog.pg_db_role_setting SELECT copy.oid, s.setrole, s.setconfig FROM "
        "pg_catalog.pg_db_role_setting AS s JOIN pg_catalog.pg_database AS d ON d.oid = s.setdatabase JOIN "
        "pg_catalog.pg_database AS copy ON copy.datname = $2 WHERE d.datname = $1",
        {source, name});
  } catch (const Error& error) {
    if (error.sqlstate() != "42501") throw;  // who is no superuser may not
  }
}

void Drop(Session& admin, const std::string& name) {
  const bool unused = WaitUntilUnused(admin, name);
  admin.Execute(fmt::format("DROP DATABASE IF EXISTS {}{}", admin.QuoteName(name), unused ? "" : " WITH (FORCE)"));
}

// So that neither the server's end nor a later sweep takes it for forgotten (OwnedDatabases).
void MarkAsKept(Session& admin, const std::string& name, const std::string& token) {
  admin.Execute(
      fmt::format("COMMENT ON DATABASE {} IS {}", admin.QuoteName(name), admin.QuoteLiteral("migproof kept " + token)));
}

}  // namespace

Database::Database(const Server& server, std::string name, std::string token)
    : server_(server), name_(std::move(name)), token_(std::move(token)), owner_process_(getpid()) {}

std::unique_ptr<Database> Database::Create(const Server& server, const std::string& locale) {
  const std::string token = RandomToken(kTokenDigits);
  std::unique_ptr<Database> database(new Database(server, server.DatabasePrefix() + token, token));
  CreateWithToken(server, database->name_, token, "", locale);
  return database;
}

std::unique_ptr<Database> Database::Clone(const Server& server, const Database& source) {
  const std::string token = RandomToken(kTokenDigits);
  std::unique_ptr<Database> database(new Database(server, server.DatabasePrefix() + token, token));
  if (!WaitUntilUnused(server.Admin(), source.name_)) {
    throw Error(ErrorKind::kServer,
                fmt::format("database '{}' can't be cloned: somebody is still connected to it after "
                            "{} ms",
                            source.name_, kBackendsGoneTimeoutMs));
  }
  CreateWithToken(server, database->name_, token, source.name_);
  CopySettings(server.Admin(), source.name_, database->name_);
  database->Remember(source.catalog_memory());
  return database;
}

Database::~Database() {
  if (owner_process_ != getpid()) return;
  try {
    if (keep_) {
      MarkAsKept(server_.Admin(), name_, token_);
    } else {
      Drop(server_.Admin(), name_);
    }
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the server's end takes what is left
  }
}

std::string Database::TokenQuestion() const {
  return fmt::format("SELECT t.name || ' ' || coalesce(t.comment, '') FROM ({}) AS t", kTokenQuestion);
}

std::string Database::TokenAnswer() const { return name_ + " " + CommentOf(token_); }

void Database::CheckToken(Session& session) const {
  Rows rows;
  try {
    rows = session.QueryPrepared("migproof_token", kTokenQuestion);
  } catch (const Error& error) {
    // A migration's DISCARD ALL or DEALLOCATE took the prepared query away.
    if (error.sqlstate() != "26000" && error.sqlstate() != "42P05") throw;
    rows = session.Execute(kTokenQuestion);
  }
  const std::string found = rows.empty() ? "" : std::string(rows.Get(0, 0));
  if (found != name_) {
    throw Error(ErrorKind::kServer,
                fmt::format("the connection is to database '{}', not to our throw-away database '{}'", found, name_))
        .WithHint("nothing was run; look for a setting that sends the connection elsewhere");
  }
  if (rows.Get(0, 1) != CommentOf(token_)) {
    throw Error(ErrorKind::kServer,
                fmt::format("database '{}' does not carry our token: its comment is '{}', expected '{}'", name_,
                            rows.Get(0, 1), CommentOf(token_)))
        .WithHint("a script may not change the comment of the database it runs in");
  }
}

}  // namespace migproof
