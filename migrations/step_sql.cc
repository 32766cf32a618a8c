#include "migrations/step_sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "migrations/runner.h"

namespace migproof {

namespace {

// Statements that change rows or definitions and nothing of the session. All others (SET, SELECT set_config(...), DO,
// CALL, temporary tables) could.
bool CouldChangeSession(std::string_view statement) {
  static const std::string_view kHarmless[] = {"ALTER", "COMMENT", "COPY",   "DELETE", "DROP",
                                               "GRANT", "INSERT",  "REVOKE", "UPDATE", "TRUNCATE"};
  const std::string first = LeadingWords(statement, 1);
  if (std::find(std::begin(kHarmless), std::end(kHarmless), first) != std::end(kHarmless)) return false;
  if (first != "CREATE") return true;
  return Skeleton(statement).find("TEMP") != std::string::npos;
}

// Statements that can take the next value of a sequence, which currval and lastval then know on this connection.
bool CouldDrawValues(const Script& script) {
  static const std::string_view kDrawing[] = {"ALTER", "COPY", "DELETE", "INSERT", "UPDATE"};
  return std::any_of(script.statements().begin(), script.statements().end(), [&](const Statement& statement) {
    if (statement.kind != StatementKind::kSql) return false;
    const std::string first = LeadingWords(script.Text(statement), 1);
    return std::find(std::begin(kDrawing), std::end(kDrawing), first) != std::end(kDrawing);
  });
}

bool CouldChangeSession(const Script& script) {
  return std::any_of(script.statements().begin(), script.statements().end(), [&](const Statement& statement) {
    return statement.kind == StatementKind::kSql && CouldChangeSession(script.Text(statement));
  });
}

}  // namespace

const std::string_view kResetRole = "RESET SESSION AUTHORIZATION;RESET ROLE";
const std::string_view kResetSession =
    "RESET SESSION AUTHORIZATION;RESET ROLE;RESET ALL;DISCARD TEMP;DISCARD SEQUENCES;UNLISTEN *;CLOSE ALL";

const Section* SectionOf(const Step& step) {
  if (step.direction == Direction::kStamp) return nullptr;
  if (step.direction == Direction::kUpgrade) return &step.revision->upgrade;
  if (step.revision->downgrade) return &*step.revision->downgrade;
  throw Error(ErrorKind::kUsage, fmt::format("revision '{}' has no downgrade", step.revision->id))
      .WithHint("it can't be undone; restore a backup, or write a revision that goes on from here")
      .WithLocation(step.revision->where);
}

std::vector<const Statement*> SqlStatements(const Script& script) {
  std::vector<const Statement*> found;
  for (const Statement& statement : script.statements()) {
    if (statement.kind == StatementKind::kSql) found.push_back(&statement);
  }
  return found;
}

int CountSqlStatements(const Script& script) {
  return static_cast<int>(std::count_if(script.statements().begin(), script.statements().end(),
                                        [](const Statement& s) { return s.kind == StatementKind::kSql; }));
}

bool HoldsTransactionControl(const Script& script) {
  return std::any_of(script.statements().begin(), script.statements().end(), [&](const Statement& statement) {
    return statement.kind == StatementKind::kSql && ControlsTransaction(script.Text(statement));
  });
}

std::string TimeoutSql(const RunnerOptions& options, bool local) {
  std::vector<std::string> sql;
  const auto add = [&](std::string_view setting, int value_ms) {
    if (value_ms > 0) sql.push_back(fmt::format("SET {}{} = {}", local ? "LOCAL " : "", setting, value_ms));
  };
  add("lock_timeout", options.lock_timeout_ms);
  add("statement_timeout", options.statement_timeout_ms);
  return fmt::format("{}", fmt::join(sql, ";"));
}

bool NeedsReset(const Section& section, const RunnerOptions& options) {
  if (options.keeps_session) return false;
  const bool timeouts_set = section.execution != Execution::kTransaction && !TimeoutSql(options, false).empty();
  return timeouts_set || CouldChangeSession(section.script);
}

std::string_view SessionEnd(const Section& section, const RunnerOptions& options) {
  if (NeedsReset(section, options)) return kResetSession;
  return !options.keeps_session && CouldDrawValues(section.script) ? "DISCARD SEQUENCES" : "";
}

std::string JoinSql(const std::vector<std::string>& statements) {
  return fmt::format("{}", fmt::join(statements, ";"));
}

std::vector<std::string> StampSql(const std::vector<LedgerEntry>& recorded, const History::Applied& applied,
                                  const History& history, const Ledger& ledger) {
  std::vector<std::string> sql;
  const auto add = [&](const std::vector<std::string>& more) { sql.insert(sql.end(), more.begin(), more.end()); };
  std::map<std::string_view, const LedgerEntry*> entries;
  for (const LedgerEntry& entry : recorded) {
    entries.emplace(entry.revision, &entry);
    if (history.Find(entry.revision) != nullptr) continue;
    Revision unknown;
    unknown.id = unknown.ledger_key = entry.revision;
    add(ledger.ForgetSql(unknown, history));
  }
  const std::vector<const Revision*> order = history.Linear();
  for (auto revision = order.rbegin(); revision != order.rend(); ++revision) {
    const bool goes = entries.contains((*revision)->id) && !applied.contains((*revision)->id);
    if (goes) add(ledger.ForgetSql(**revision, history));
  }
  for (const Revision* revision : order) {
    if (!applied.contains(revision->id)) continue;
    const auto found = entries.find(revision->id);
    const bool right = found != entries.end() && !found->second->dirty &&
                       (found->second->checksum.empty() || found->second->checksum == revision->Checksum());
    if (!right) add(ledger.AfterSql({Direction::kStamp, revision}, history));
  }
  return sql;
}

}  // namespace migproof
