#include "harness/verify/deaths.h"

#include <xxhash.h>

#include <chrono>
#include <thread>

#include "harness/verify/commit_watch.h"
#include "harness/verify/gate.h"
#include "harness/verify/runner_process.h"

namespace migproof {

namespace {

constexpr auto kPollEvery = std::chrono::microseconds(500);

// The contents of unlogged tables do not outlive a crash (PostgreSQL manual, CREATE TABLE).
std::set<std::string> UnloggedTables(const Catalog& catalog) {
  std::set<std::string> unlogged;
  for (const std::string& name : catalog.Names("table")) {
    if (catalog.Attribute("table", name, "persistence") == "unlogged") unlogged.insert(name);
  }
  return unlogged;
}

// Until the server's process has gone: its client is dead, and it finds out when it speaks to it.
void WaitUntilGone(Session& session, int backend) {
  while (!session.Query("SELECT 1 FROM pg_stat_activity WHERE pid = $1::int", {std::to_string(backend)}).empty()) {
    std::this_thread::sleep_for(kPollEvery);
  }
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

std::unique_ptr<Stand> Deaths::Take(std::size_t index) {
  const bool fits = database_ != nullptr && index_ <= index && !bench_.subject().touches_cluster();
  auto stand = fits ? std::make_unique<Stand>(*mortal_, std::move(database_), index_) : source_->At(index);
  stand->UpgradeTo(index);
  return stand;
}

void Deaths::GiveBack(std::unique_ptr<Stand> stand) {
  index_ = stand->index();
  database_ = stand->Release();
}

void Deaths::Step(std::size_t index, Direction direction, StepGoals& goals, FailureResult& result) {
  const Subject& subject = bench_.subject();
  const Revision& revision = *subject.order()[index];
  if (subject.touches_cluster()) return;  // a server for each death, and roles that no database shows
  const std::size_t at = direction == Direction::kUpgrade ? index : index + 1;
  FailedStep failed{.failure = {FailureKind::kBackendKilled, direction, {}, {}}, .revision = &revision};
  for (const StepPlace& place : Places(revision, direction, failed.section())) {
    failed.failure.place = place;
    failed.failure.where = WhereIs(failed.section(), place);
    for (const FailureKind kind :
         {FailureKind::kBackendKilled, FailureKind::kRunnerKilled, FailureKind::kServerKilled}) {
      failed.failure.kind = kind;
      if (database_ == nullptr || index_ != at || failed.before.catalog == nullptr) {
        auto stand = Take(at);
        failed.before = stand->Observe();
        failed.ledger_before = ReadLedger(stand->session(), subject);
        failed.leave_out = UnloggedTables(*failed.before.catalog);
        GiveBack(std::move(stand));
      }
      Die(at, failed, goals, result);
    }
  }
}

void Deaths::Die(std::size_t at, FailedStep& failed, StepGoals& goals, FailureResult& result) {
  const Subject& subject = bench_.subject();
  auto watching = std::make_unique<Session>(FixedConninfo(*database_));
  CommitWatch commits(*watching);
  commits.Mark();
  if (!LetDie(failed)) {
    result.notes.push_back(failed.failure.ToString() + " could not be had: the step ends before");
    watching.reset();
    database_.reset();
    return;
  }
  ++result.exercised["deaths"];
  const ::migproof::Step step{failed.failure.direction, failed.revision};
  const std::int64_t marks = subject.ledger().BeforeSql(step, subject.history()).empty() ? 0 : 1;
  if (failed.failure.kind != FailureKind::kServerKilled) {
    const bool committed = commits.SinceMark() > marks;
    const LedgerState now = ReadLedger(*watching, subject);
    if (!committed && now == failed.ledger_before) return;
  }
  watching.reset();  // a database that somebody is connected to can't be dropped
  Stand stand(*mortal_, std::move(database_), at);
  std::optional<BrokenFailure> broken = Judge(subject, failed, stand, goals, result);
  if (ReadLedger(stand.session(), subject).dirty) stand.runner().Stamp(failed.ledger_before.applied);
  const bool as_before = !broken && commits.SinceMark(stand.session()) <= marks * 2 &&
                         ReadLedger(stand.session(), subject) == failed.ledger_before &&
                         Same(failed.before, stand.Observe(), failed.leave_out);
  if (broken) result.broken.push_back(std::move(*broken));
  if (!as_before) return;
  index_ = at;
  database_ = stand.Release();
}

// Runs the step up to its gate and has somebody die there. False where it never came there.
bool Deaths::LetDie(const FailedStep& failed) {
  const Subject& subject = bench_.subject();
  Gate gate(database_->Conninfo());
  const Interrupted step(subject, *failed.revision, failed.failure.direction, failed.failure.place, gate.WaitingSql());
  RunnerProcess runner([&](const RunnerProcess::Bell&) {
    Session session(FixedConninfo(*database_));
    RunnerOptions options;
    options.guard = [&](Session& own) { database_->CheckToken(own); };
    Runner(session, subject.history(), step.ledger(), options).Apply(step.step());
  });
  int backend = 0;
  while ((backend = gate.Waiter()) == 0) {
    if (runner.Ended()) return false;
    std::this_thread::sleep_for(kPollEvery);
  }
  switch (failed.failure.kind) {
    case FailureKind::kRunnerKilled: {
      runner.Kill();
      gate.Open();
      Session watching(database_->Conninfo());
      WaitUntilGone(watching, backend);
      return true;
    }
    case FailureKind::kServerKilled: mortal_->KillServer(); break;
    default: gate.End(backend); break;
  }
  runner.Wait();
  return true;
}

}  // namespace migproof
