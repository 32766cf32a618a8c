#include "harness/verify/cancel_within.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "harness/verify/gate.h"

namespace migproof {

namespace {

constexpr auto kBlockedPoll = std::chrono::microseconds(500);

// What holds a statement up that works concurrently: a snapshot that is older than its own, every table locked as a
// writer locks it, and every materialized view, which none writes to, as a reader does. The ledger's tables stay free.
void StandBefore(Session& session, const std::vector<std::string>& leave_out) {
  session.Execute("BEGIN ISOLATION LEVEL REPEATABLE READ");
  const Rows rows = session.Query(
      "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relkind = 'm' FROM pg_catalog.pg_class c "
      "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "WHERE (c.relkind IN ('r', 'p') OR c.relkind = 'm' AND c.relispopulated) "
      "AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%' "
      "AND n.nspname NOT LIKE 'pg\\_temp%' ORDER BY 1");
  std::string tables;
  std::string views;
  for (int i = 0; i < rows.size(); ++i) {
    const std::string name(rows.Get(i, 0));
    if (std::find(leave_out.begin(), leave_out.end(), name) != leave_out.end()) continue;
    if (rows.GetBool(i, 1)) {
      views += fmt::format("SELECT FROM {} LIMIT 0;", name);
    } else {
      tables += (tables.empty() ? "" : ", ") + name;
    }
  }
  if (!tables.empty()) session.Execute(fmt::format("LOCK TABLE {} IN ROW EXCLUSIVE MODE", tables));
  if (!views.empty()) session.Execute(views);
}

// The session that stands in the way of another one and ends its statement.
class Obstacle {
 public:
  Obstacle(const std::string& conninfo, int victim, std::vector<std::string> leave_out)
      : session_(conninfo), victim_(std::to_string(victim)), leave_out_(std::move(leave_out)) {}

  void StandInTheWay() { StandBefore(session_, leave_out_); }

  // Lets the other one on.
  void GoAway() noexcept {
    try {
      if (session_.transaction_state() != TransactionState::kIdle) session_.Execute("ROLLBACK");
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): the locks go with the connection
    }
  }

  // Until `over` or until the victim waits for this session, whose statement it then cancels.
  bool CancelWhenItWaits(const std::atomic<bool>& over) {
    while (!over) {
      const Rows rows = session_.Query("SELECT pg_backend_pid() = ANY (pg_blocking_pids($1::int))", {victim_});
      if (rows.GetBool(0, 0)) {
        session_.Query("SELECT pg_cancel_backend($1::int)", {victim_});
        return true;
      }
      std::this_thread::sleep_for(kBlockedPoll);
    }
    return false;
  }

 private:
  Session session_;
  std::string victim_;
  std::vector<std::string> leave_out_;
};

}  // namespace

std::vector<StepPlace> PlacesToCancelWithin(const Section& section) {
  std::vector<StepPlace> places;
  int number = 0;
  for (const Statement& statement : section.script.statements()) {
    if (statement.kind != StatementKind::kSql) continue;
    const std::string_view text = section.script.Text(statement);
    if (RefusesTransaction(text) && Skeleton(text).find("CONCURRENTLY") != std::string::npos) {
      places.push_back({number, 0});
    }
    ++number;
  }
  for (StepPlace& place : places) place.statements = number;
  // Inside a transaction the server refuses them.
  if (section.execution == Execution::kTransaction || (section.execution == Execution::kOneQuery && number > 1)) {
    places.clear();
  }
  return places;
}

bool CancelWithin(const Subject& subject, Stand& stand, const Step& step, const StepPlace& place) {
  const std::string conninfo = stand.database().Conninfo();
  Obstacle obstacle(conninfo, stand.session().backend_pid(), subject.ledger().Tables());
  std::optional<Session> gatekeeper;
  std::optional<Gate> gate;
  std::optional<Interrupted> interrupted;
  if (place.statement > 0) {
    gatekeeper.emplace(conninfo);
    gate.emplace(*gatekeeper);
    interrupted.emplace(subject, *step.revision, step.direction, place, gate->WaitingSql());
  } else {
    obstacle.StandInTheWay();
  }
  std::atomic<bool> over = false;
  std::atomic<bool> cancelled = false;
  std::thread canceller([&] {
    try {
      if (gate) {
        if (gate->WaitForWaiter([&] { return over.load(); }) == 0) return;
        obstacle.StandInTheWay();
        gate->Open();
      }
      cancelled = obstacle.CancelWhenItWaits(over);
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): then nothing was cancelled, which is said
    }
    obstacle.GoAway();
  });
  bool refused = false;
  std::optional<Error> failure;
  try {
    if (interrupted) {
      stand.MakeRunner(interrupted->ledger())->Apply(interrupted->step());
    } else {
      stand.runner().Apply(step);
    }
  } catch (const Error& error) {
    refused = true;
    if (!error.sql()) failure = error;
  }
  over = true;
  canceller.join();
  if (failure) throw *failure;
  return refused && cancelled;
}

}  // namespace migproof
