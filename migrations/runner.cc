#include "migrations/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "migrations/offline.h"
#include "migrations/step_sql.h"

namespace migproof {

namespace {

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
    marked_ = !before.empty();
  }

  void RunAll() {
    if (section_ == nullptr) return Finish();
    Open(section_->execution == Execution::kTransaction);
    if (section_->execution == Execution::kOneQuery) {
      if (!section_->script.empty()) session_.ExecuteWhole(section_->script);
      done_ = CountSqlStatements(section_->script);
    } else {
      ForEachStatement([&](const Statement& statement, const Statement* data) {
        session_.Execute(section_->script, statement, data);
        ++done_;
      });
    }
    Finish();
  }

  // Each statement by itself; in a transaction behind a savepoint. With `immediate`, deferred constraints are checked
  // at each statement, not at the COMMIT.
  std::vector<Error> RunLeavingOut(bool in_transaction, bool immediate = false) {
    std::vector<Error> complaints;
    Open(in_transaction);
    if (immediate) session_.Execute("SET CONSTRAINTS ALL IMMEDIATE");
    ForEachStatement([&](const Statement& statement, const Statement* data) {
      if (std::optional<Error> complaint = TryStatement(statement, data)) complaints.push_back(std::move(*complaint));
    });
    Finish();
    return complaints;
  }

  // The ledger entry, the end of the transaction and the reset go to the server together.
  void Finish() {
    const bool open = session_.transaction_state() == TransactionState::kOpen;
    const bool reset = section_ != nullptr && NeedsReset(*section_, runner_.options_);
    std::string sql = JoinSql(runner_.ledger_.AfterSql(step_, runner_.history_));
    if (reset) sql = fmt::format("{};{}", kResetRole, sql);  // the entry is the runner's, not the script's role's
    if (open) sql += ";COMMIT";
    const std::string_view end = section_ == nullptr ? "" : SessionEnd(*section_, runner_.options_);
    if (!end.empty()) sql += fmt::format(";{}", end);
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

  // After a failure, for another attempt: it comes upon nothing that this one had in mind, as if by another connection.
  void StartOver() {
    CleanUp();
    for (const std::string_view statement : {kForgetPlans, kForgetCode}) session_.Execute(statement);
  }

  // What a failure left behind, for the Error.
  std::string StateAfterFailure() const {
    if (section_ == nullptr) return "";
    std::string state = "nothing of this step is kept";
    if (section_->execution == Execution::kStatements) {
      state = fmt::format("this step runs without a transaction: {} of its {} statements are done and kept", done_,
                          CountSqlStatements(section_->script));
    } else if (HoldsTransactionControl(section_->script)) {
      state = "the script moves transaction boundaries itself: what it committed is kept";
    }
    return marked_ ? state + "; the ledger says dirty, as the tool leaves it" : state;
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
    const std::string timeouts = TimeoutSql(runner_.options_, in_transaction);
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
  int done_ = 0;         // statements
  bool marked_ = false;  // the ledger's own mark of a step under way is written
};

Runner::Runner(Session& session, const History& history, const Ledger& ledger, RunnerOptions options)
    : session_(session), history_(history), ledger_(ledger), options_(std::move(options)) {}

void Runner::Prepare() {
  if (options_.guard) options_.guard(session_);
  if (options_.tool != nullptr) return options_.tool->Prepare(Place());
  session_.Execute("SET client_min_messages = warning;" + JoinSql(ledger_.CreateSql()) + ";RESET client_min_messages");
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
  if (UsesTool(step)) {
    const ToolRun run = RunTool(step, false);
    if (!run.refusals.empty()) throw InContext(run.refusals.front(), step, "");
    return;
  }
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
  if (UsesTool(step)) return RunToolLeavingOut(step);
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
    run.StartOver();
    if (section->execution == Execution::kOneQuery && CountSqlStatements(section->script) == 1) {
      run.Finish();  // the only statement is left out
      return {error};
    }
  }
  try {
    return run.RunLeavingOut(true);
  } catch (const Error& error) {
    if (!IsComplaintOfScript(error)) throw;
    run.StartOver();
  }
  // The COMMIT was refused: whose fault it is shows where nothing is deferred.
  return run.RunLeavingOut(true, true);
}

std::vector<Error> Runner::Verify(const Revision& revision) {
  if (!revision.verification) return {};
  if (options_.guard) options_.guard(session_);
  if (options_.tool != nullptr) return options_.tool->Verify(Place(), revision);
  const Script& script = revision.verification->script;
  const bool in_transaction = revision.verification->execution == Execution::kTransaction;
  std::vector<Error> refusals;
  try {
    if (in_transaction) session_.Execute("BEGIN");
    const std::vector<Statement>& statements = script.statements();
    for (std::size_t i = 0; i < statements.size(); ++i) {
      if (statements[i].kind == StatementKind::kCopyData) continue;
      const bool has_data = i + 1 < statements.size() && statements[i + 1].kind == StatementKind::kCopyData;
      session_.Execute(script, statements[i], has_data ? &statements[i + 1] : nullptr);
    }
  } catch (const Error& error) {
    if (!IsComplaintOfScript(error)) throw;
    refusals.push_back(error);
  }
  if (session_.transaction_state() != TransactionState::kIdle) session_.Execute("ROLLBACK");
  if (NeedsReset(*revision.verification, options_)) session_.Execute(kResetSession);
  return refusals;
}

void Runner::Stamp(const History::Applied& applied) {
  if (options_.guard) options_.guard(session_);
  const std::vector<std::string> sql = StampSql(ledger_.Read(session_, history_), applied, history_, ledger_);
  if (!sql.empty()) session_.Execute("BEGIN;" + JoinSql(sql) + ";COMMIT");
}

std::string Runner::OfflineSql(const Step& step) const { return OfflineStep(step, history_, ledger_, options_); }

}  // namespace migproof
