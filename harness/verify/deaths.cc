#include "harness/verify/deaths.h"

#include <xxhash.h>

#include <utility>

#include "harness/verify/commit_watch.h"
#include "harness/verify/gate.h"
#include "harness/verify/pending_failures.h"
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
  const Subject& subject = bench_.subject();
  if (subject.touches_cluster()) return;  // a server for each death, and roles that no database shows
  const Revision& revision = *subject.order()[index];
  PendingFailures pending(ToTry(revision, Direction::kUpgrade),
                          GoesDown(revision) ? ToTry(revision, Direction::kDowngrade) : std::vector<Failure>());
  while (const auto failure = pending.Take(stand_ != nullptr && index_ == index + 1)) {
    if (bench_.OutOfTime()) return;
    const std::size_t at = failure->direction == Direction::kUpgrade ? index : index + 1;
    if (stand_ == nullptr || index_ != at || SequencesWentOn()) GoTo(at, goals);
    FailedStep failed{.failure = *failure, .revision = &revision};
    failed.ledger_before = ReadLedger(stand_->session(), subject);
    Die(at, failed, goals, result);
  }
}

std::vector<Failure> Deaths::ToTry(const Revision& revision, Direction direction) const {
  const Section& section = direction == Direction::kUpgrade ? revision.upgrade : *revision.downgrade;
  std::vector<Failure> failures;
  for (const StepPlace& place : Places(revision, direction, section)) {
    for (const FailureKind kind :
         {FailureKind::kServerKilled, FailureKind::kBackendKilled, FailureKind::kRunnerKilled}) {
      failures.push_back({kind, direction, place, WhereIs(section, place)});
    }
  }
  return failures;
}

std::vector<StepPlace> Deaths::Places(const Revision& revision, Direction direction, const Section& section) const {
  const std::vector<StepPlace> all = PlacesIn(section);
  if (bench_.options().nightly) return all;
  const std::string text = revision.id + std::string(Name(direction));
  return {all[XXH3_64bits_withSeed(text.data(), text.size(), bench_.options().seed) % all.size()]};
}

void Deaths::GoTo(std::size_t index, StepGoals& goals) {
  const auto descends = [&] {
    const Observation below = goals.Below();
    return index_ == index + 1 && GoesDown(*bench_.subject().order()[index]) && stand_->DowngradeLast().empty() &&
           Same(below, stand_->Observe()) && StandAsSeen(stand_->ReadSequences(), below);
  };
  if (stand_ != nullptr && index_ < index && !SequencesWentOn()) {
    stand_->UpgradeTo(index);
  } else if (stand_ == nullptr || !descends()) {
    stand_ = source_->At(index);
  }
  index_ = index;
  sequences_ = stand_->ReadSequences();
}

bool Deaths::SequencesWentOn() { return stand_->ReadSequences() != sequences_; }

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
  Judgement judged = Judge(subject, failed, *stand_, goals, result);
  const bool goes_on = !judged.broken && GoOn(failed, judged.left, goals);
  if (judged.broken) result.broken.push_back(std::move(*judged.broken));
  if (!goes_on) stand_.reset();
}

bool Deaths::GoOn(const FailedStep& failed, const Observation& left, StepGoals& goals) {
  const bool up = failed.failure.direction == Direction::kUpgrade;
  const Observation goal = goals.Goal(failed.failure.direction);
  if (goal.catalog == nullptr || left.catalog == nullptr || !Same(goal, left, failed.leave_out)) return false;
  LedgerState done = failed.ledger_before;
  if (up) done.applied.insert(failed.revision->id);
  if (!up) done.applied.erase(failed.revision->id);
  stand_->runner().Stamp(done.applied);
  const Observation there = up ? goal : goals.Below();
  Stand::Sequences drawn = stand_->ReadSequences();
  if ((up || Same(there, left, failed.leave_out)) && StandAsSeen(drawn, there)) {
    sequences_ = std::move(drawn);
    index_ = up ? index_ + 1 : index_ - 1;
    stand_->NowAt(index_);
    return true;
  }
  if (up) return false;
  // The downgrade leads elsewhere: back up, to where the others start.
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
