#include "harness/verify/deaths.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "harness/verify/commit_watch.h"
#include "harness/verify/gate.h"
#include "harness/verify/runner_process.h"

namespace migproof {

namespace {

// What does not count beside a server's death: it empties unlogged tables, and sets sequences on to the last value that
// its log has (up to 32 more than were drawn: SEQ_LOG_VALS in PostgreSQL's sequence.c), in every database of the
// server. What is expected stands elsewhere, where failed tries have drawn values that no ROLLBACK gives back.
void AddWhatDeathChanges(const Catalog& catalog, std::set<std::string>& names) {
  for (const std::string& name : catalog.Names("table")) {
    if (catalog.Attribute("table", name, "persistence") == "unlogged") names.insert(name);
  }
  for (const std::string& name : catalog.Names("sequence")) names.insert("sequence " + name);
}

}  // namespace

void Deaths::At(std::size_t index, StepGoals& goals, FailureResult& result) {
  if (!asked_) mortal_ = bench_.Mortal();
  asked_ = true;
  if (mortal_ == nullptr) {
    result.notes.emplace_back("server and runner were not killed: there is no server of our own to do that on");
    return;
  }
  if (source_ == nullptr) source_ = std::make_unique<ReplaySource>(*mortal_);
  const Revision& revision = *bench_.subject().order()[index];
  Step(index, Direction::kUpgrade, goals, result);
  if (revision.downgrade && !revision.Declares("irreversible")) Step(index, Direction::kDowngrade, goals, result);
}

std::vector<StepPlace> Deaths::Places(const Revision& revision, Direction direction, const Section& section) const {
  const std::vector<StepPlace> all = PlacesIn(section);
  if (bench_.options().nightly) return all;
  const std::string text = revision.id + std::string(Name(direction));
  return {all[XXH3_64bits_withSeed(text.data(), text.size(), bench_.options().seed) % all.size()]};
}

void Deaths::GoTo(std::size_t index) {
  if (stand_ != nullptr && index_ < index && !SequencesWentOn()) {
    stand_->UpgradeTo(index);
  } else {
    stand_ = source_->At(index);
  }
  index_ = index;
  sequences_ = stand_->ReadSequences();
}

bool Deaths::SequencesWentOn() { return stand_->ReadSequences() != sequences_; }

void Deaths::Step(std::size_t index, Direction direction, StepGoals& goals, FailureResult& result) {
  const Subject& subject = bench_.subject();
  const Revision& revision = *subject.order()[index];
  if (subject.touches_cluster()) return;  // a server for each death, and roles that no database shows
  const std::size_t at = direction == Direction::kUpgrade ? index : index + 1;
  FailedStep failed{.failure = {FailureKind::kServerKilled, direction, {}, {}}, .revision = &revision};
  for (const StepPlace& place : Places(revision, direction, failed.section())) {
    failed.failure.place = place;
    failed.failure.where = WhereIs(failed.section(), place);
    // The last one often leaves the step done, which is where the next step begins.
    for (const FailureKind kind :
         {FailureKind::kServerKilled, FailureKind::kBackendKilled, FailureKind::kRunnerKilled}) {
      if (bench_.OutOfTime()) return;
      failed.failure.kind = kind;
      if (stand_ == nullptr || index_ != at || SequencesWentOn()) GoTo(at);
      failed.ledger_before = ReadLedger(stand_->session(), subject);
      Die(at, failed, goals, result);
    }
  }
}

void Deaths::Die(std::size_t at, FailedStep& failed, StepGoals& goals, FailureResult& result) {
  const Subject& subject = bench_.subject();
  CommitWatch commits(stand_->session());
  commits.Mark();
  if (!LetDie(failed)) {
    result.notes.push_back(failed.failure.ToString() + " could not be had: the step ends before");
    stand_.reset();
    return;
  }
  ++result.exercised["deaths"];
  if (stand_->session().broken() || failed.failure.kind == FailureKind::kServerKilled) {
    stand_ = std::make_unique<Stand>(*mortal_, stand_->Release(), at);
  }
  const ::migproof::Step step{failed.failure.direction, failed.revision};
  const std::int64_t marks = subject.ledger().BeforeSql(step, subject.history()).empty() ? 0 : 1;
  LedgerState now = ReadLedger(stand_->session(), subject);
  if (commits.SinceMark(stand_->session()) <= marks) {
    if (now.dirty && marks > 0) {
      stand_->runner().Stamp(failed.ledger_before.applied);
      now = ReadLedger(stand_->session(), subject);
    }
    if (now == failed.ledger_before) return;
  }
  // What was there before matters only to a step that must leave nothing; it is not looked at without need.
  failed.before = {};
  if (failed.section().execution == Execution::kTransaction) failed.before = source_->At(at)->Observe();
  failed.leave_out.clear();
  for (const auto& catalog : {goals.Goal(step.direction).catalog, failed.before.catalog}) {
    if (catalog != nullptr) AddWhatDeathChanges(*catalog, failed.leave_out);
  }
  std::optional<BrokenFailure> broken = Judge(subject, failed, *stand_, goals, result);
  const bool goes_on = !broken && GoOn(failed, goals);
  if (broken) result.broken.push_back(std::move(*broken));
  if (!goes_on) stand_.reset();
}

// Where the step has come to its goal: there, and from below, by the upgrade, back to where downgrades start.
bool Deaths::GoOn(const FailedStep& failed, StepGoals& goals) {
  const Direction direction = failed.failure.direction;
  const Observation goal = goals.Goal(direction);
  if (goal.catalog == nullptr || !Same(goal, stand_->Observe(), failed.leave_out)) return false;
  LedgerState done = failed.ledger_before;
  if (direction == Direction::kUpgrade) {
    Stand::Sequences drawn = stand_->ReadSequences();
    const auto is_goal = [&](const auto& sequence) {
      const auto found = goal.rows->sequences.find(sequence.first);
      return found != goal.rows->sequences.end() && found->second == sequence.second;
    };
    if (!std::all_of(drawn.begin(), drawn.end(), is_goal)) return false;
    sequences_ = std::move(drawn);
    done.applied.insert(failed.revision->id);
    stand_->runner().Stamp(done.applied);
    stand_->NowAt(++index_);
    return true;
  }
  done.applied.erase(failed.revision->id);
  stand_->runner().Stamp(done.applied);
  stand_->NowAt(index_ - 1);
  if (!stand_->UpgradeNext().empty()) return false;
  const Observation upgraded = goals.Goal(Direction::kUpgrade);
  return upgraded.catalog != nullptr && Same(upgraded, stand_->Observe(), failed.leave_out);
}

bool Deaths::LetDie(const FailedStep& failed) {
  const Subject& subject = bench_.subject();
  const Database& database = stand_->database();
  Gate gate(stand_->session());
  const Interrupted step(subject, *failed.revision, failed.failure.direction, failed.failure.place, gate.WaitingSql());
  RunnerProcess runner([&](const RunnerProcess::Bell&) {
    Session session(FixedConninfo(database));
    Runner(session, subject.history(), step.ledger(), OptionsFor(subject, database)).Apply(step.step());
  });
  const int backend = gate.WaitForWaiter([&] { return runner.Ended(); });
  if (backend == 0) return false;
  switch (failed.failure.kind) {
    case FailureKind::kRunnerKilled:
      runner.Kill();
      gate.Open();
      gate.WaitUntilGone(backend);
      return true;
    case FailureKind::kServerKilled: mortal_->KillServer(); break;
    default:
      gate.End(backend);
      gate.WaitUntilGone(backend);  // then the server's counters tell what it did
      break;
  }
  runner.Wait();
  return true;
}

}  // namespace migproof
