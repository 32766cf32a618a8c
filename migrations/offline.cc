#include "migrations/offline.h"

#include <fmt/format.h>

#include "migrations/step_sql.h"

namespace migproof {

namespace {

std::string Closed(const std::vector<std::string>& statements) {
  std::string text;
  for (const std::string& statement : statements) text += statement + ";\n";
  return text;
}

std::string InTransaction(const std::string& sql) { return sql.empty() ? "" : "BEGIN;\n" + sql + "COMMIT;\n"; }

// The script's text, its last statement ended and its last line too.
std::string ClosedScript(const Script& script) {
  std::string text = script.text();
  if (!script.empty() && script.statements().back().kind == StatementKind::kSql) {
    const std::size_t behind = text.find_first_not_of(" \t\r\n", script.statements().back().end);
    if (behind == std::string::npos || text[behind] != ';') text += "\n;";
  }
  if (!text.empty() && text.back() != '\n') text += '\n';
  return text;
}

}  // namespace

std::string OfflineHeader(const Ledger& ledger, const std::string& lock) {
  const std::string locked = lock.empty() ? "" : fmt::format("\\restrict {}\n", lock);
  return "\\set ON_ERROR_STOP on\n" + locked + "SET client_min_messages = warning;\n" + Closed(ledger.CreateSql()) +
         "RESET client_min_messages;\n";
}

std::string OfflineStep(const Step& step, const History& history, const Ledger& ledger, const RunnerOptions& options) {
  if (options.tool != nullptr && step.direction != Direction::kStamp) {
    SectionOf(step);
    return fmt::format("-- {} {}\n{}\n", Name(step.direction), step.revision->id, options.tool->OfflineSql(step));
  }
  const std::string before = InTransaction(Closed(ledger.BeforeSql(step, history)));
  std::string after = Closed(ledger.AfterSql(step, history));
  std::string text = fmt::format("-- {} {}\n{}", Name(step.direction), step.revision->id, before);
  const Section* section = SectionOf(step);
  if (section == nullptr) return text + InTransaction(after);
  const bool reset = NeedsReset(*section, options);
  if (reset) after = fmt::format("{};\n{}", kResetRole, after);
  const bool in_transaction = section->execution == Execution::kTransaction;
  std::string script = ClosedScript(section->script);
  // psql sends statement by statement: the implicit transaction of a file sent as one query is written out.
  const bool implicit = section->execution == Execution::kOneQuery && CountSqlStatements(section->script) > 1 &&
                        !HoldsTransactionControl(section->script);
  if (implicit) script = InTransaction(script);
  const std::string timeouts = TimeoutSql(options, in_transaction);
  const std::string settings = timeouts.empty() ? "" : timeouts + ";\n";
  text += in_transaction ? InTransaction(settings + script + after) : settings + script + InTransaction(after);
  if (const std::string_view end = SessionEnd(*section, options); !end.empty()) text += fmt::format("{};\n", end);
  return text;
}

std::string OfflineStamp(const History::Applied& before, const History::Applied& after, const History& history,
                         const Ledger& ledger) {
  std::vector<LedgerEntry> recorded;
  for (const Revision* revision : history.Linear()) {
    if (before.contains(revision->id)) recorded.push_back({revision->id, "", false});
  }
  return InTransaction(Closed(StampSql(recorded, after, history, ledger)));
}

}  // namespace migproof
