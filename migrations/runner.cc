#include "migrations/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <thread>

namespace migproof {

namespace {

// Temporary tables, settings and role are what a script can leave on a connection without meaning to. Prepared
// statements and advisory locks stay: the session's owner has some of its own.
constexpr std::string_view kResetSession =
    "RESET SESSION AUTHORIZATION;RESET ROLE;RESET ALL;DISCARD TEMP;UNLISTEN *;CLOSE ALL";

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

bool CouldChangeSession(const Script& script) {
  return std::any_of(script.statements().begin(), script.statements().end(), [&](const Statement& statement) {
    return statement.kind == StatementKind::kSql && CouldChangeSession(script.Text(statement));
  });
}

bool HoldsTransactionControl(const Script& script) {
  return std::any_of(script.statements().begin(), script.statements().end(), [&](const Statement& statement) {
    return statement.kind == StatementKind::kSql && ControlsTransaction(script.Text(statement));
  });
}

int CountStatements(const Script& script) {
  return static_cast<int>(std::count_if(script.statements().begin(), script.statements().end(),
                                        [](const Statement& s) { return s.kind == StatementKind::kSql; }));
}

std::string JoinSql(const std::vector<std::string>& statements) {
  return fmt::format("{}", fmt::join(statements, ";\n"));
}

bool IsComplaintOfScript(const Error& error) {
  return error.kind() == ErrorKind::kMigration && !(error.sql() && error.sql()->IsEnvironmental());
}

}  // namespace

// One step on its way through the server.
class Runner::StepRun {
 public:
  StepRun(Runner& runner, const Step& step, const Section* section)
      : session_(runner.session_), runner_(runner), step_(step), section_(section) {}

  void Begin() {
    if (runner_.options_.guard) runner_.options_.guard(session_);
    if (section_ != nullptr) RefuseMetaCommands();
    const std::vector<std::string> before = runner_.ledger_.BeforeSql(step_, runner_.history_);
    if (!before.empty()) session_.Execute(JoinSql(before));
  }

  void RunAll() {
    if (section_ == nullptr) return Finish();
    Open(section_->execution == Execution::kTransaction);
    if (section_->execution == Execution::kOneQuery) {
      if (!section_->script.empty()) session_.ExecuteWhole(section_->script);
      done_ = CountStatements(section_->script);
    } else {
      ForEachStatement([&](const Statement& statement, const Statement* data) {
        session_.Execute(section_->script, statement, data);
        ++done_;
      });
    }
    Finish();
  }

  // Each statement by itself; in a transaction behind a savepoint.
  std::vector<Error> RunLeavingOut(bool in_transaction) {
    std::vector<Error> complaints;
    Open(in_transaction);
    ForEachStatement([&](const Statement& statement, const Statement* data) {
      if (std::optional<Error> complaint = TryStatement(statement, data)) complaints.push_back(std::move(*complaint));
    });
    Finish();
    return complaints;
  }

  // The ledger entry, the end of the transaction and the reset go to the server together.
  void Finish() {
    const bool open = session_.transaction_state() == TransactionState::kOpen;
    std::string sql = JoinSql(runner_.ledger_.AfterSql(step_, runner_.history_));
    if (open) sql += ";COMMIT";
    if (section_ != nullptr && runner_.NeedsReset(*section_)) sql += fmt::format(";{}", kResetSession);
    try {
      session_.Execute(sql);
    } catch (Error& error) {
      error.AddContext(open ? "while writing the ledger entry and committing" : "while writing the ledger entry");
      throw;
    }
  }

  // After a failure: no transaction stays open, and the session is as before.
  void CleanUp() noexcept {
    try {
      if (session_.broken()) return;
      if (session_.transaction_state() != TransactionState::kIdle) session_.Execute("ROLLBACK");
      session_.Execute(kResetSession);
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): the first complaint is the one that matters
    }
  }

  // What a failure left behind, for the Error.
  std::string StateAfterFailure() const {
    if (section_ == nullptr) return "";
    const Script& script = section_->script;
    if (section_->execution != Execution::kStatements) {
      return HoldsTransactionControl(script)
                 ? "the script moves transaction boundaries itself: what it committed is kept"
                 : "nothing of this step is kept";
    }
    return fmt::format("this step runs without a transaction: {} of its {} statements are done and kept", done_,
                       CountStatements(script));
  }

 private:
  void RefuseMetaCommands() const {
    for (const Statement& statement : section_->script.statements()) {
      if (statement.kind != StatementKind::kMetaCommand) continue;
      throw Error(ErrorKind::kHistory, fmt::format("psql meta-command '{}' is not SQL: the server can't run it",
                                                   section_->script.Text(statement)))
          .WithLocation(section_->script.At(statement.begin));
    }
  }

  template <typename Function>
  void ForEachStatement(Function&& run) {
    const std::vector<Statement>& statements = section_->script.statements();
    for (std::size_t i = 0; i < statements.size(); ++i) {
      if (statements[i].kind != StatementKind::kSql) continue;
      const bool has_data = i + 1 < statements.size() && statements[i + 1].kind == StatementKind::kCopyData;
      run(statements[i], has_data ? &statements[i + 1] : nullptr);
    }
  }

  void Open(bool in_transaction) {
    const std::string timeouts = runner_.TimeoutSql(in_transaction);
    if (in_transaction) {
      session_.Execute(timeouts.empty() ? "BEGIN" : "BEGIN;" + timeouts);
    } else if (!timeouts.empty()) {
      session_.Execute(timeouts);
    }
  }

  std::optional<Error> TryStatement(const Statement& statement, const Statement* data) {
    const bool savepoint = session_.transaction_state() == TransactionState::kOpen &&
                           !ControlsTransaction(section_->script.Text(statement));
    if (savepoint) session_.Execute("SAVEPOINT migproof_statement");
    try {
      session_.Execute(section_->script, statement, data);
    } catch (const Error& error) {
      if (!IsComplaintOfScript(error)) throw;
      if (savepoint) session_.Execute("ROLLBACK TO migproof_statement;RELEASE migproof_statement");
      return error;
    }
    if (savepoint && session_.transaction_state() == TransactionState::kOpen) {
      session_.Execute("RELEASE migproof_statement");
    }
    ++done_;
    return std::nullopt;
  }

  Session& session_;
  Runner& runner_;
  const Step& step_;
  const Section* section_;
  int done_ = 0;
};

Runner::Runner(Session& session, const History& history, const Ledger& ledger, RunnerOptions options)
    : session_(session), history_(history), ledger_(ledger), options_(std::move(options)) {}

void Runner::Prepare() {
  if (options_.guard) options_.guard(session_);
  session_.Execute("SET client_min_messages = warning;" + JoinSql(ledger_.CreateSql()) + ";RESET client_min_messages");
}

std::string Runner::TimeoutSql(bool local) const {
  std::string sql;
  const auto add = [&](std::string_view setting, int value_ms) {
    if (value_ms <= 0) return;
    sql += fmt::format("{}SET {}{} = {}", sql.empty() ? "" : ";", local ? "LOCAL " : "", setting, value_ms);
  };
  add("lock_timeout", options_.lock_timeout_ms);
  add("statement_timeout", options_.statement_timeout_ms);
  return sql;
}

bool Runner::NeedsReset(const Section& section) const {
  const bool timeouts_set = section.execution != Execution::kTransaction && !TimeoutSql(false).empty();
  return timeouts_set || CouldChangeSession(section.script);
}

// Null for a stamp.
const Section* Runner::SectionOf(const Step& step) const {
  if (step.direction == Direction::kStamp) return nullptr;
  if (step.direction == Direction::kUpgrade) return &step.revision->upgrade;
  if (step.revision->downgrade) return &*step.revision->downgrade;
  throw Error(ErrorKind::kUsage, fmt::format("revision '{}' has no downgrade", step.revision->id))
      .WithHint("it can't be undone; restore a backup, or write a revision that goes on from here")
      .WithLocation(step.revision->where);
}

History::Applied Runner::Applied() {
  History::Applied applied;
  for (const LedgerEntry& entry : ledger_.Read(session_, history_)) {
    if (entry.dirty) {
      throw Error(ErrorKind::kHistory,
                  fmt::format("the ledger says that the step to '{}' began and did not end (dirty)", entry.revision))
          .WithHint("see what of it is there, mend that by hand, then 'migproof stamp REVISION' for what is applied");
    }
    if (history_.Find(entry.revision) == nullptr) {
      std::vector<std::string> ids;
      for (const Revision& revision : history_.revisions()) ids.push_back(revision.id);
      throw Error(ErrorKind::kHistory,
                  fmt::format("the database has '{}' applied, which is not in the history", entry.revision))
          .WithHint(NearNameHint(entry.revision, ids,
                                 "a newer or another history migrated it: use that one, or 'migproof stamp'"));
    }
    applied.insert(entry.revision);
  }
  return applied;
}

std::vector<const Revision*> Runner::Edited() {
  std::vector<const Revision*> edited;
  for (const LedgerEntry& entry : ledger_.Read(session_, history_)) {
    const Revision* revision = history_.Find(entry.revision);
    if (revision == nullptr || entry.checksum.empty() || entry.checksum == revision->Checksum()) continue;
    edited.push_back(revision);
  }
  return edited;
}

Error Runner::InContext(Error error, const Step& step, const std::string& state) const {
  error.AddContext(fmt::format("in the {} of revision '{}'", Name(step.direction), step.revision->id));
  if (!state.empty()) error.AddContext(state);
  return error;
}

void Runner::Apply(const Step& step) {
  StepRun run(*this, step, SectionOf(step));
  run.Begin();
  try {
    run.RunAll();
  } catch (const Error& error) {
    run.CleanUp();
    throw InContext(error, step, run.StateAfterFailure());
  }
}

std::vector<Error> Runner::ApplyLeavingOutFailures(const Step& step) {
  const Section* section = SectionOf(step);
  StepRun run(*this, step, section);
  run.Begin();
  std::vector<Error> complaints;
  try {
    complaints = RunLeavingOut(run, section);
  } catch (const Error& error) {
    run.CleanUp();
    throw InContext(error, step, run.StateAfterFailure());
  }
  for (Error& complaint : complaints) {
    complaint.AddContext(fmt::format("in the {} of revision '{}'", Name(step.direction), step.revision->id));
  }
  return complaints;
}

// A script that is all or nothing is tried as it is first; only where it fails does each statement go by itself.
std::vector<Error> Runner::RunLeavingOut(StepRun& run, const Section* section) {
  const bool atomic =
      section == nullptr || (section->execution != Execution::kStatements && !HoldsTransactionControl(section->script));
  if (!atomic) return run.RunLeavingOut(section->execution == Execution::kTransaction);
  try {
    run.RunAll();
    return {};
  } catch (const Error& error) {
    if (section == nullptr || !IsComplaintOfScript(error)) throw;
    run.CleanUp();
    if (section->execution == Execution::kOneQuery && CountStatements(section->script) == 1) {
      run.Finish();  // the only statement is left out
      return {error};
    }
  }
  return run.RunLeavingOut(true);
}

void Runner::Stamp(const History::Applied& applied) {
  if (options_.guard) options_.guard(session_);
  std::map<std::string, LedgerEntry> recorded;
  for (LedgerEntry& entry : ledger_.Read(session_, history_)) recorded.emplace(entry.revision, entry);
  std::vector<std::string> sql;
  const auto add = [&](const std::vector<std::string>& more) { sql.insert(sql.end(), more.begin(), more.end()); };
  for (const auto& [id, entry] : recorded) {
    if (history_.Find(id) != nullptr) continue;
    Revision unknown;
    unknown.id = unknown.ledger_key = id;
    add(ledger_.ForgetSql(unknown, history_));
  }
  const std::vector<const Revision*> order = history_.Linear();
  for (auto revision = order.rbegin(); revision != order.rend(); ++revision) {
    if (!recorded.contains((*revision)->id) || applied.contains((*revision)->id)) continue;
    add(ledger_.ForgetSql(**revision, history_));
  }
  for (const Revision* revision : order) {
    if (!applied.contains(revision->id)) continue;
    const auto entry = recorded.find(revision->id);
    const bool right = entry != recorded.end() && !entry->second.dirty &&
                       (entry->second.checksum.empty() || entry->second.checksum == revision->Checksum());
    if (!right) add(ledger_.AfterSql({Direction::kStamp, revision}, history_));
  }
  if (!sql.empty()) session_.Execute("BEGIN;" + JoinSql(sql) + ";COMMIT");
}

std::string Runner::OfflineSql(const Step& step) const {
  const Section* section = SectionOf(step);
  const auto closed = [](const std::vector<std::string>& statements) {
    std::string text;
    for (const std::string& statement : statements) text += statement + ";\n";
    return text;
  };
  const std::string before = closed(ledger_.BeforeSql(step, history_));
  const std::string after = closed(ledger_.AfterSql(step, history_));
  std::string text = fmt::format("-- {} {}\n", Name(step.direction), step.revision->id);
  if (!before.empty()) text += "BEGIN;\n" + before + "COMMIT;\n";
  if (section == nullptr) return text + "BEGIN;\n" + after + "COMMIT;\n";
  const bool in_transaction = section->execution == Execution::kTransaction;
  const std::string timeouts = TimeoutSql(in_transaction);
  if (in_transaction) text += "BEGIN;\n";
  if (!timeouts.empty()) text += timeouts + ";\n";
  text += OfflineScript(*section);
  text += in_transaction ? after + "COMMIT;\n" : "BEGIN;\n" + after + "COMMIT;\n";
  if (NeedsReset(*section)) text += fmt::format("{};\n", kResetSession);
  return text;
}

// psql sends statement by statement: the implicit transaction of a file sent as one query is written out.
std::string Runner::OfflineScript(const Section& section) const {
  const Script& script = section.script;
  std::string text = script.text();
  if (!script.empty() && script.statements().back().kind == StatementKind::kSql) {
    const std::size_t behind = text.find_first_not_of(" \t\r\n", script.statements().back().end);
    if (behind == std::string::npos || text[behind] != ';') text += "\n;";
  }
  if (!text.empty() && text.back() != '\n') text += '\n';
  const bool implicit =
      section.execution == Execution::kOneQuery && CountStatements(script) > 1 && !HoldsTransactionControl(script);
  return implicit ? "BEGIN;\n" + text + "COMMIT;\n" : text;
}

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
