#include "harness/cli/runner_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <ostream>

#include "harness/cli/revision_text.h"
#include "migrations/format.h"
#include "migrations/offline.h"
#include "migrations/runner.h"
#include "migrations/step_sql.h"

namespace migproof {

namespace {

using RevisionPath = std::vector<const Revision*>;

// A history at work on a database.
class RunnerBench {
 public:
  explicit RunnerBench(const DatabaseCommand& command)
      : history_(LoadHistory(command.config)),
        ledger_(Registry<Format>::Get(command.config.format).MakeLedger(ToolSettingsOf(command.config))),
        tool_(Registry<Format>::Get(command.config.format).MakeTool(ToolSettingsOf(command.config))),
        session_(DatabaseUrl(command.config, command.database_url)),
        runner_(session_, history_, *ledger_,
                {.lock_timeout_ms = command.config.lock_timeout_ms,
                 .statement_timeout_ms = command.config.statement_timeout_ms,
                 .guard = {},
                 .tool = tool_.get()}) {}

  const History& history() const { return history_; }
  const Ledger& ledger() const { return *ledger_; }
  Session& session() { return session_; }
  Runner& runner() { return runner_; }

 private:
  History history_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<StepTool> tool_;
  Session session_;
  Runner runner_;
};

void RefuseEdited(Runner& runner) {
  const RevisionPath edited = runner.Edited();
  if (edited.empty()) return;
  throw Error(ErrorKind::kHistory,
              fmt::format("{} edited after being applied: {}", edited.size() == 1 ? "a revision was" : "revisions were",
                          JoinQuoted(edited)))
      .WithLocation(edited.front()->where)
      .WithHint(
          "put the old text back and write a new revision; or, where the database already agrees with the new text, "
          "record it with 'migproof stamp'");
}

void RefuseOutOfOrder(const History& history, const History::Applied& applied) {
  for (const Revision* revision : history.Linear()) {
    if (!applied.contains(revision->id)) continue;
    std::vector<std::string> needed = revision->parents;
    needed.insert(needed.end(), revision->depends_on.begin(), revision->depends_on.end());
    for (const std::string& id : needed) {
      if (applied.contains(id)) continue;
      throw Error(ErrorKind::kHistory,
                  fmt::format("out of order: '{}' is applied, and '{}' below it is not", revision->id, id))
          .WithHint("--allow-out-of-order applies it now; 'migproof stamp' records it without running it");
    }
  }
}

// Runs the steps one after the other, a line for each.
void RunSteps(Runner& runner, Direction direction, const RevisionPath& path, std::ostream& out) {
  std::size_t width = 0;
  for (const Revision* revision : path) width = std::max(width, revision->id.size());
  for (const Revision* revision : path) {
    const auto start = std::chrono::steady_clock::now();
    runner.Apply({direction, revision});
    const auto took = std::chrono::steady_clock::now() - start;
    out << fmt::format("{}  {:<{}}  {:>6} ms  {}\n", Name(direction), revision->id, width,
                       std::chrono::duration_cast<std::chrono::milliseconds>(took).count(), ShortTitle(*revision))
        << std::flush;
  }
}

std::string PositionText(const History& history, const History::Applied& applied) {
  return applied.empty() ? "base" : JoinIds(history.AppliedHeads(applied));
}

// "a:b" as its two sides; without a colon `from` is "".
struct RangeText {
  std::string_view from;
  std::string_view to;
  bool both = false;
};

RangeText SplitRange(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {"", text, false};
  return {text.substr(0, colon), text.substr(colon + 1), true};
}

History::Applied AppliedAt(const History& history, std::string_view target) {
  return target.empty() ? History::Applied() : history.Closure(history.Resolve(target));
}

// The parts of an offline script.
class OfflineScript {
 public:
  OfflineScript(const DatabaseCommand& command, std::ostream& out)
      : command_(command),
        history_(LoadHistory(command.config)),
        ledger_(Registry<Format>::Get(command.config.format).MakeLedger(ToolSettingsOf(command.config))),
        tool_(Registry<Format>::Get(command.config.format).MakeTool(ToolSettingsOf(command.config))),
        out_(out) {}

  void Upgrade(std::string_view range) { WriteSteps(Direction::kUpgrade, history_.Range(range)); }

  void Downgrade(std::string_view range) {
    const RangeText sides = SplitRange(range);
    if (!sides.both || sides.from.empty() || sides.to.empty()) {
      throw Error(ErrorKind::kUsage, fmt::format("'{}' does not say where the downgrade starts", range))
          .WithHint("--sql takes FROM:TO, since no database is asked what is applied");
    }
    WriteSteps(Direction::kDowngrade, history_.DowngradePath(AppliedAt(history_, sides.from), sides.to));
  }

  void Stamp(std::string_view range) {
    const RangeText sides = SplitRange(range);
    const std::string sql =
        OfflineStamp(AppliedAt(history_, sides.from), AppliedAt(history_, sides.to), history_, *ledger_);
    out_ << OfflineHeader(*ledger_) << sql;
  }

 private:
  void WriteSteps(Direction direction, const RevisionPath& path) {
    const RunnerOptions options{.lock_timeout_ms = command_.config.lock_timeout_ms,
                                .statement_timeout_ms = command_.config.statement_timeout_ms,
                                .guard = {},
                                .tool = tool_.get()};
    std::string text = OfflineHeader(*ledger_);
    for (const Revision* revision : path)
      text += '\n' + OfflineStep({direction, revision}, history_, *ledger_, options);
    out_ << text;
  }

  const DatabaseCommand& command_;
  History history_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<StepTool> tool_;
  std::ostream& out_;
};

// What is declared to need another server is not tried, nor what comes before it.
void RefuseForServer(const RevisionPath& path, int major) {
  for (const Revision* revision : path) {
    const Declaration* unmet = revision->UnmetBy(major);
    if (unmet == nullptr) continue;
    throw Error(ErrorKind::kMigration,
                fmt::format("revision '{}' requires {}, and this is PostgreSQL {}", revision->id, unmet->object, major))
        .WithLocation(unmet->where)
        .WithHint("upgrade the server first, or stop before that revision");
  }
}

}  // namespace

void UpgradeCommand(const DatabaseCommand& command, std::string_view target, std::ostream& out) {
  if (command.sql) return OfflineScript(command, out).Upgrade(target);
  RunnerBench bench(command);
  const RunnerLock lock(bench.session(), command.runner_lock_timeout_ms);
  bench.runner().Prepare();
  const History::Applied applied = bench.runner().Applied();
  RefuseEdited(bench.runner());
  if (!command.allow_out_of_order) RefuseOutOfOrder(bench.history(), applied);
  const RevisionPath path = bench.history().UpgradePath(applied, target);
  if (path.empty()) {
    out << fmt::format("nothing to do: the database is at {}\n", PositionText(bench.history(), applied));
    return;
  }
  RefuseForServer(path, bench.session().major_version());
  RunSteps(bench.runner(), Direction::kUpgrade, path, out);
  out << fmt::format("{} applied; the database is at {}\n", CountOf(path.size(), "revision"),
                     PositionText(bench.history(), bench.runner().Applied()));
}

void DowngradeCommand(const DatabaseCommand& command, std::string_view target, std::ostream& out) {
  if (command.sql) return OfflineScript(command, out).Downgrade(target);
  RunnerBench bench(command);
  const RunnerLock lock(bench.session(), command.runner_lock_timeout_ms);
  const History::Applied applied = bench.runner().Applied();
  const RevisionPath path = bench.history().DowngradePath(applied, target);
  if (path.empty()) {
    out << fmt::format("nothing to do: the database is at {}\n", PositionText(bench.history(), applied));
    return;
  }
  for (const Revision* revision : path) SectionOf({Direction::kDowngrade, revision});  // refuses before anything runs
  RunSteps(bench.runner(), Direction::kDowngrade, path, out);
  out << fmt::format("{} undone; the database is at {}\n", CountOf(path.size(), "revision"),
                     PositionText(bench.history(), bench.runner().Applied()));
}

void StampCommand(const DatabaseCommand& command, std::string_view target, std::ostream& out) {
  if (command.sql) return OfflineScript(command, out).Stamp(target);
  RunnerBench bench(command);
  const History::Applied applied = AppliedAt(bench.history(), target);
  const RunnerLock lock(bench.session(), command.runner_lock_timeout_ms);
  bench.runner().Prepare();
  bench.runner().Stamp(applied);
  out << fmt::format("the ledger says {} now ({}); no script was run\n", PositionText(bench.history(), applied),
                     CountOf(applied.size(), "revision"));
}

void CurrentCommand(const DatabaseCommand& command, std::ostream& out) {
  RunnerBench bench(command);
  const History& history = bench.history();
  History::Applied applied;
  for (const LedgerEntry& entry : bench.ledger().Read(bench.session(), history)) {
    const bool known = history.Find(entry.revision) != nullptr;
    if (known) applied.insert(entry.revision);
    if (!known) out << fmt::format("{}  (not in the history)\n", entry.revision);
    if (entry.dirty) out << fmt::format("{}  (dirty: the step to it began and did not end)\n", entry.revision);
  }
  const RevisionPath heads = history.AppliedHeads(applied);
  for (const Revision* revision : heads) {
    out << fmt::format("{}  {}{}\n", revision->id, ShortTitle(*revision),
                       history.Children(*revision).empty() ? "  (head)" : "");
  }
  for (const Revision* revision : bench.runner().Edited()) {
    out << fmt::format("{}  (edited after being applied)\n", revision->id);
  }
  out << fmt::format("{} applied, {} pending\n", CountOf(applied.size(), "revision"), history.size() - applied.size());
}

}  // namespace migproof
