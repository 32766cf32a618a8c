#include "harness/postgres/owned_databases.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "migrations/error.h"

namespace migproof {

namespace {

// The first key of our advisory locks; the second is the token's first 32 bits.
constexpr int kLockSpace = 0x6d677066;

// Kept in step with Database: the comment is "migproof <token>", or "migproof kept <token>".
constexpr const char* kOursQuery =
    "SELECT d.datname FROM pg_catalog.pg_database d WHERE d.datname ~ ('^migproof_' || $1 || '_[0-9a-f]{16}$') "
    "AND coalesce(pg_catalog.shobj_description(d.oid, 'pg_database'), '') NOT LIKE 'migproof kept %' ORDER BY 1";

// pg_locks shows the locks of every database, so it does not matter which one an owner is connected to. Its rows are
// read after the snapshot that shows the databases, and an owner locks before it makes any.
constexpr const char* kOrphanedQuery =
    "SELECT DISTINCT substr(d.datname, 10, 12) FROM pg_catalog.pg_database d "
    "WHERE d.datname ~ '^migproof_[0-9a-f]{12}_[0-9a-f]{16}$' AND NOT EXISTS ("
    "SELECT FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.classid::bigint = $1 "
    "AND l.objid::bigint = ('x' || substr(d.datname, 10, 8))::bit(32)::bigint) ORDER BY 1";

// $1 is the prefix of the owner's databases.
constexpr const char* kEndBackendsQuery =
    "SELECT count(pg_catalog.pg_terminate_backend(a.pid)) FROM pg_catalog.pg_stat_activity a "
    "WHERE a.pid <> pg_catalog.pg_backend_pid() AND (a.application_name = $1 OR starts_with(a.datname, $1)) "
    "AND pg_catalog.pg_has_role(a.usesysid, 'USAGE')";

constexpr const char* kOthersQuery =
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 2 "
    "AND l.classid::bigint = $1 AND l.objid::bigint <> ('x' || left($2, 8))::bit(32)::bigint)";

// A worker that was killed may have left it.
void DropOtherOwner(Session& session, const std::string& owner) {
  if (session.Query(kOthersQuery, {std::to_string(kLockSpace), owner}).GetBool(0, 0)) return;
  try {
    session.Execute(fmt::format("DROP ROLE IF EXISTS {}", kOtherOwner));
  } catch (const Error&) {
    if (session.broken()) throw;  // else it isn't ours to drop
  }
}

// False where the server refused: somebody is still connected, or it isn't ours to drop.
bool TryDrop(Session& session, const std::string& name) {
  try {
    session.Execute("DROP DATABASE IF EXISTS " + session.QuoteName(name));
    return true;
  } catch (const Error&) {
    if (session.broken()) throw;
    return false;
  }
}

}  // namespace

std::string OwnedPrefix(const std::string& owner) { return "migproof_" + owner + "_"; }

void HoldOwnerLock(Session& session, const std::string& owner) {
  // The lock must live as long as we do, however idle we are.
  if (session.major_version() >= 14) session.Execute("SET idle_session_timeout = 0");
  const auto key = static_cast<std::int32_t>(std::stoul(owner.substr(0, 8), nullptr, 16));
  const Rows rows = session.Query("SELECT pg_catalog.pg_try_advisory_lock($1::int, $2::int)",
                                  {std::to_string(kLockSpace), std::to_string(key)});
  if (!rows.GetBool(0, 0)) throw Error(ErrorKind::kServer, fmt::format("the owner lock of '{}' is taken", owner));
}

std::vector<std::string> OwnedDatabases(Session& session, const std::string& owner) {
  const Rows rows = session.Query(kOursQuery, {owner});
  std::vector<std::string> names;
  for (int i = 0; i < rows.size(); ++i) names.emplace_back(rows.Get(i, 0));
  return names;
}

void DropOwnedDatabases(Session& session, const std::string& owner, int timeout_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (true) {
    // Backends first: what one of them was making is either seen below, or it is still there and seen here.
    const auto ended = session.Query(kEndBackendsQuery, {OwnedPrefix(owner)}).GetInt(0, 0);
    const std::vector<std::string> names = OwnedDatabases(session, owner);
    if (names.empty() && ended == 0) return DropOtherOwner(session, owner);
    if (ended == 0) {
      for (const std::string& name : names) TryDrop(session, name);
    }
    if (std::chrono::steady_clock::now() > deadline) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void SweepOrphanedDatabases(Session& session) {
  const Rows owners = session.Query(kOrphanedQuery, {std::to_string(kLockSpace)});
  for (int i = 0; i < owners.size(); ++i) {
    for (const std::string& name : OwnedDatabases(session, std::string(owners.Get(i, 0)))) TryDrop(session, name);
  }
}

}  // namespace migproof
