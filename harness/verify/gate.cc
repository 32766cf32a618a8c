#include "harness/verify/gate.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <thread>

namespace migproof {

namespace {

constexpr std::int64_t kGateKey = 0x6d69677067617465;
constexpr int kGateTimeoutMs = 120'000;
constexpr auto kGatePoll = std::chrono::milliseconds(1);

Error NobodyCame() {
  return Error(ErrorKind::kServer, fmt::format("a step did not come to its gate within {} ms", kGateTimeoutMs));
}

}  // namespace

Gate::Gate(Session& session) : session_(session) {
  session_.Execute(fmt::format("SELECT pg_catalog.pg_advisory_lock({})", kGateKey));
}

Gate::~Gate() {
  if (!closed_ || session_.broken()) return;
  try {
    Open();
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): with the session the lock ends
  }
}

std::string Gate::WaitingSql() const {
  // Taken and given back in one statement: the target list is worked out from left to right.
  return fmt::format("SELECT pg_catalog.pg_advisory_lock({0}), pg_catalog.pg_advisory_unlock({0})", kGateKey);
}

int Gate::Waiter() {
  const Rows rows = session_.Query(
      "SELECT pid FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND NOT granted AND objsubid = 1 "
      "AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) "
      "AND (classid::bigint << 32 | objid::bigint) = $1::bigint LIMIT 1",
      {std::to_string(kGateKey)});
  return rows.empty() ? 0 : static_cast<int>(rows.GetInt(0, 0));
}

int Gate::WaitForWaiter(const std::function<bool()>& gone) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kGateTimeoutMs);
  while (!gone()) {
    if (const int backend = Waiter(); backend != 0) return backend;
    if (std::chrono::steady_clock::now() > deadline) throw NobodyCame();
    std::this_thread::sleep_for(kGatePoll);
  }
  return 0;
}

void Gate::WaitUntilGone(int backend) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kGateTimeoutMs);
  const auto there = [&] {
    return !session_.Query("SELECT 1 FROM pg_catalog.pg_stat_activity WHERE pid = $1::int", {std::to_string(backend)})
                .empty();
  };
  while (there()) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw Error(ErrorKind::kServer,
                  fmt::format("a server's process whose client is dead is still there after {} ms", kGateTimeoutMs));
    }
    std::this_thread::sleep_for(kGatePoll);
  }
}

void Gate::End(int backend) {
  session_.Query("SELECT pg_catalog.pg_terminate_backend($1::int)", {std::to_string(backend)});
}

void Gate::Open() {
  session_.Execute(fmt::format("SELECT pg_catalog.pg_advisory_unlock({})", kGateKey));
  closed_ = false;
}

}  // namespace migproof
