#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <thread>

#include "migrations/runner.h"

namespace migproof {

namespace {

// One lock per database: advisory locks do not reach beyond it. The number has no meaning but to be ours.
constexpr std::int64_t kRunnerLockKey = 0x6d696770726f6f66;
constexpr auto kRunnerLockPoll = std::chrono::milliseconds(10);

std::string LockHolder(Session& session) {
  const Rows rows = session.Query(
      "SELECT l.pid, coalesce(a.application_name, ''), coalesce(a.usename::text, ''), "
      "coalesce(date_trunc('second', now() - a.backend_start)::text, '') "
      "FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid) "
      "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 "
      "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
      "AND (l.classid::bigint << 32 | l.objid::bigint) = $1::bigint",
      {std::to_string(kRunnerLockKey)});
  if (rows.empty()) return "it was let go just now";
  return fmt::format("backend {} ('{}', user '{}', connected for {}) holds it", rows.Get(0, 0), rows.Get(0, 1),
                     rows.Get(0, 2), rows.Get(0, 3));
}

}  // namespace

RunnerLock::RunnerLock(Session& session, int timeout_ms) : session_(session) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  const std::string try_lock = fmt::format("SELECT pg_try_advisory_lock({})", kRunnerLockKey);
  while (!session_.Execute(try_lock).GetBool(0, 0)) {
    if (std::chrono::steady_clock::now() >= deadline) {
      throw Error(ErrorKind::kServer, fmt::format("another runner is at work on database '{}': {} after {} ms",
                                                  session_.database(), LockHolder(session_), timeout_ms))
          .WithHint("wait until it is done, or end that backend");
    }
    std::this_thread::sleep_for(kRunnerLockPoll);
  }
}

RunnerLock::~RunnerLock() {
  if (session_.broken()) return;
  try {
    session_.Execute(fmt::format("SELECT pg_advisory_unlock({})", kRunnerLockKey));
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): the lock goes with the connection
  }
}

}  // namespace migproof
