#include "harness/verify/locks.h"

#include <cstdint>
#include <map>

#include "migrations/step_sql.h"

namespace migproof {

namespace {

// Of the tables that are there: their name, the scans of this session, and a lock of its that keeps writers out.
constexpr const char* kState = R"sql(
SELECT c.oid, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
       pg_catalog.pg_stat_get_xact_numscans(c.oid),
       (SELECT max(l.mode) FROM pg_catalog.pg_locks l
         WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.relation = c.oid AND l.granted
           AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'm') AND c.relpersistence = 'p' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
 ORDER BY 2)sql";

struct TableState {
  std::string name;
  std::int64_t scans = 0;
  std::string lock;  // "" for none
};

std::map<std::string, TableState> ReadTableStates(Session& session) {
  std::map<std::string, TableState> states;  // by oid
  const Rows rows = session.Query(kState);
  for (int i = 0; i < rows.size(); ++i) {
    states[std::string(rows.Get(i, 0))] = {std::string(rows.Get(i, 1)), rows.GetInt(i, 2),
                                           rows.IsNull(i, 3) ? "" : std::string(rows.Get(i, 3))};
  }
  return states;
}

bool SharesTransaction(const Section& section) {
  if (CountSqlStatements(section.script) < 2 || HoldsTransactionControl(section.script)) return false;
  return section.execution == Execution::kTransaction || section.execution == Execution::kOneQuery;
}

struct Taken {
  std::string mode;
  std::string by;
  SourceLocation at;
};

}  // namespace

std::vector<ReadUnderLock> LockTrials::At(std::size_t index, int& looked_at) {
  const Revision& revision = *bench_.subject().order()[index];
  std::vector<ReadUnderLock> found;
  Look(index, Direction::kUpgrade, revision.upgrade.AsSql(), looked_at, found);
  if (revision.downgrade && !revision.Declares("irreversible")) {
    Look(index + 1, Direction::kDowngrade, revision.downgrade->AsSql(), looked_at, found);
  }
  return found;
}

void LockTrials::Look(std::size_t at, Direction direction, const Section& section, int& looked_at,
                      std::vector<ReadUnderLock>& found) {
  if (!SharesTransaction(section)) return;
  const auto stand = source_.At(at);
  Session session(FixedConninfo(stand->database()));
  stand->database().CheckToken(session);
  session.Execute("BEGIN");
  std::map<std::string, TableState> before = ReadTableStates(session);
  std::map<std::string, Taken> taken;  // by oid
  const std::vector<Statement>& statements = section.script.statements();
  for (std::size_t i = 0; i < statements.size(); ++i) {
    if (statements[i].kind != StatementKind::kSql) continue;
    const std::string text(section.script.Text(statements[i]));
    const SourceLocation where = section.script.At(statements[i].begin);
    const bool has_data = i + 1 < statements.size() && statements[i + 1].kind == StatementKind::kCopyData;
    try {
      session.Execute(section.script, statements[i], has_data ? &statements[i + 1] : nullptr);
    } catch (const Error& refusal) {
      if (!IsRefusal(refusal)) throw;
      return;
    }
    ++looked_at;
    std::map<std::string, TableState> after = ReadTableStates(session);
    std::erase_if(after, [&](const auto& one) { return !before.contains(one.first); });
    for (const auto& [oid, state] : after) {
      const auto lock = taken.find(oid);
      if (lock != taken.end() && state.scans > before.at(oid).scans) {
        found.push_back({direction, state.name, lock->second.mode, lock->second.by, lock->second.at, text, where});
      }
      if (lock == taken.end() && !state.lock.empty()) taken[oid] = {state.lock, text, where};
    }
    before = std::move(after);
  }
}

}  // namespace migproof
