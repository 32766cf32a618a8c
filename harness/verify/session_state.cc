#include "harness/verify/session_state.h"

#include <fmt/format.h>

#include "migrations/step_sql.h"

namespace migproof {

namespace {

// What tells the reader less or more, and changes nothing of what a step does.
constexpr const char* kStateSql = R"sql(
SELECT 'setting ' || name, setting FROM pg_catalog.pg_settings
 WHERE source = 'session' AND name NOT IN ('client_min_messages', 'application_name')
UNION ALL SELECT 'role', current_setting('role') WHERE current_setting('role') <> 'none'
UNION ALL SELECT 'session authorization', session_user::text
UNION ALL SELECT 'temporary ' || CASE relkind WHEN 'S' THEN 'sequence ' WHEN 'v' THEN 'view ' ELSE 'table ' END
                 || quote_ident(relname), ''
  FROM pg_catalog.pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind IN ('r', 'p', 'S', 'v')
UNION ALL SELECT 'prepared statement ' || quote_ident(name), '' FROM pg_catalog.pg_prepared_statements
 WHERE from_sql
UNION ALL SELECT 'open cursor ' || quote_ident(name), '' FROM pg_catalog.pg_cursors WHERE is_holdable
UNION ALL SELECT 'LISTEN ' || quote_ident(channel), '' FROM pg_catalog.pg_listening_channels() channel
UNION ALL SELECT format('advisory lock (%s, %s)', classid, objid), mode FROM pg_catalog.pg_locks
 WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted
)sql";

std::vector<std::string> Left(const SessionState& before, const SessionState& after,
                              const std::map<std::string, std::string>& defaults) {
  std::vector<std::string> lines;
  for (const auto& [name, value] : after) {
    const auto known = before.find(name);
    if (known != before.end() && known->second == value) continue;
    const auto usual = defaults.find(name);
    if (value.empty() && usual == defaults.end()) {
      lines.push_back(name);
    } else {
      const std::string was = known != before.end() ? known->second : usual == defaults.end() ? "" : usual->second;
      lines.push_back(was.empty() || was == value
                          ? fmt::format("{}: {}", name, value)
                          : fmt::format("{}: was {}, is {}", name, was, value.empty() ? "empty" : value));
    }
  }
  return lines;
}

std::map<std::string, std::string> Defaults(Session& session) {
  std::map<std::string, std::string> defaults;
  const Rows rows = session.Query("SELECT 'setting ' || name, reset_val FROM pg_catalog.pg_settings");
  for (int i = 0; i < rows.size(); ++i) defaults[std::string(rows.Get(i, 0))] = rows.Get(i, 1);
  return defaults;
}

}  // namespace

SessionState ReadSessionState(Session& session) {
  SessionState state;
  const Rows rows = session.Query(kStateSql);
  for (int i = 0; i < rows.size(); ++i) state[std::string(rows.Get(i, 0))] = rows.Get(i, 1);
  return state;
}

std::vector<SessionLeak> SessionLeaks::At(std::size_t index, int& looked_at) {
  const Revision& revision = *bench_.subject().order()[index];
  std::vector<SessionLeak> leaks;
  const auto look = [&](Direction direction, const Section& section) {
    if (!NeedsReset(section, {})) return;  // what its statements do is all done to the database
    ++looked_at;
    auto leak = Look(direction == Direction::kUpgrade ? index : index + 1, {direction, &revision});
    if (leak) leaks.push_back(std::move(*leak));
  };
  look(Direction::kUpgrade, revision.upgrade);
  if (revision.downgrade && !revision.Declares("irreversible")) look(Direction::kDowngrade, *revision.downgrade);
  return leaks;
}

std::optional<SessionLeak> SessionLeaks::Look(std::size_t at, const Step& step) {
  const Subject& subject = bench_.subject();
  const auto stand = source_.At(at);
  Session session(FixedConninfo(stand->database()));
  RunnerOptions options = OptionsFor(subject, stand->database());
  options.keeps_session = Registry<Format>::Get(subject.format_name()).SharesSession();
  Runner runner(session, subject.history(), subject.ledger(), options);
  const SessionState before = ReadSessionState(session);
  const std::map<std::string, std::string> defaults = Defaults(session);
  SessionLeak leak{.direction = step.direction};
  try {
    runner.Apply(step);
  } catch (const Error& refusal) {
    if (!refusal.sql() || refusal.sql()->IsEnvironmental()) throw;
    if (!options.keeps_session || refusal.sql()->sqlstate != "42501") return std::nullopt;
    leak.refusal = refusal;  // not allowed: it may be the role
    return leak;
  }
  leak.left = Left(before, ReadSessionState(session), defaults);
  if (leak.left.empty()) return std::nullopt;
  return leak;
}

}  // namespace migproof
