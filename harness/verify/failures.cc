#include "harness/verify/failures.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "harness/verify/cancel_within.h"
#include "harness/verify/commit_watch.h"
#include "harness/verify/deaths.h"
#include "harness/verify/run_differences.h"
#include "migrations/step_sql.h"

namespace migproof {

namespace {

// Refused when the server comes to it, not when it reads the query.
constexpr const char* kFailingSql = "SELECT 'a failure put in here'::pg_catalog.int4";
constexpr const char* kCancelledSql = "SELECT pg_catalog.pg_cancel_backend(pg_catalog.pg_backend_pid())";

// How many places of a long script stand for all.
constexpr std::size_t kPlacesInAStep = 12;

// Whether a script may set a sequence back, which no ROLLBACK undoes: by itself, or in code that it calls.
bool MaySetSequences(const Script& script) {
  return std::any_of(script.statements().begin(), script.statements().end(), [&](const Statement& statement) {
    const std::string skeleton = Skeleton(script.Text(statement));
    const std::string first = LeadingWords(skeleton, 1);
    return first == "SELECT" || first == "CALL" || first == "DO" || skeleton.find("SETVAL") != std::string::npos;
  });
}

bool IsComplaint(const Error& error) { return error.sql() && !error.sql()->IsEnvironmental(); }

}  // namespace

std::string_view Name(FailureKind kind) {
  switch (kind) {
    case FailureKind::kError: return "an error";
    case FailureKind::kCancel: return "a cancel";
    case FailureKind::kCancelWithin: return "a cancel in the middle of";
    case FailureKind::kBackendKilled: return "the end of the connection";
    case FailureKind::kServerKilled: return "the death of the server";
    case FailureKind::kRunnerKilled: return "the death of the runner";
  }
  return "";
}

std::string Failure::ToString() const {
  if (kind == FailureKind::kCancelWithin) {
    return fmt::format("{} statement {} of {} of the {}", Name(kind), place.statement + 1, place.statements,
                       migproof::Name(direction));
  }
  return fmt::format("{} {} of the {}", Name(kind), place.ToString(), migproof::Name(direction));
}

std::string LedgerState::ToString() const {
  if (applied.empty()) return dirty ? "nothing (dirty)" : "nothing";
  return fmt::format("{}{}", fmt::join(applied, ", "), dirty ? " (dirty)" : "");
}

LedgerState ReadLedger(Session& session, const Subject& subject) {
  LedgerState state;
  for (const LedgerEntry& entry : subject.ledger().Read(session, subject.history())) {
    state.applied.insert(entry.revision);
    state.dirty = state.dirty || entry.dirty;
  }
  return state;
}

bool Same(const Observation& was, const Observation& is, const std::set<std::string>& leave_out) {
  if (was.catalog == nullptr || is.catalog == nullptr) return was.catalog == is.catalog;
  if (was.catalog != is.catalog && *was.catalog != *is.catalog) {
    const std::vector<Difference> differences = Compare(*was.catalog, *is.catalog).differences;
    if (std::any_of(differences.begin(), differences.end(), [](const Difference& d) { return !d.note; })) return false;
  }
  return CompareRowsOfSharedTables(was, is, {}, leave_out).empty();
}

std::optional<BrokenFailure> Judge(const Subject& subject, const FailedStep& failed, Stand& stand, StepGoals& goals,
                                   FailureResult& result) {
  const Step step{failed.failure.direction, failed.revision};
  const LedgerState ledger = ReadLedger(stand.session(), subject);
  LedgerState done = failed.ledger_before;
  if (step.direction == Direction::kUpgrade) {
    done.applied.insert(failed.revision->id);
  } else {
    done.applied.erase(failed.revision->id);
  }
  BrokenFailure broken{.failure = failed.failure, .ledger = ledger.ToString()};
  const auto as = [&](BrokenFailure::Kind kind, Observation expected, Observation seen) {
    broken.kind = kind;
    broken.expected = std::move(expected);
    broken.seen = std::move(seen);
    return broken;
  };
  Observation seen = stand.Observe();
  const auto is_goal = [&](const Observation& wanted, const Observation& there) {
    if (Same(wanted, there, failed.leave_out)) return true;
    if (wanted.catalog == nullptr || there.catalog == nullptr) return false;
    const Observation again = goals.GoalAgain(step.direction);
    if (again.catalog == nullptr) return false;
    return Same(again, there, failed.leave_out) || CompareRuns(wanted, there, again, failed.leave_out).empty();
  };
  const bool marks = !subject.ledger().BeforeSql(step, subject.history()).empty();
  const bool as_before = failed.before.catalog != nullptr && Same(failed.before, seen, failed.leave_out);
  if (!ledger.dirty && ledger != failed.ledger_before) {
    if (ledger != done) return as(BrokenFailure::Kind::kClaim, failed.before, std::move(seen));
    const Observation wanted = goals.Goal(step.direction);
    if (is_goal(wanted, seen)) return std::nullopt;
    return as(BrokenFailure::Kind::kClaim, wanted, std::move(seen));
  }
  if (ledger.dirty && !marks) return as(BrokenFailure::Kind::kClaim, failed.before, std::move(seen));
  if (as_before) return std::nullopt;
  if (failed.section().execution == Execution::kTransaction) {
    return as(BrokenFailure::Kind::kTrace, failed.before, std::move(seen));
  }
  const Observation wanted = goals.Goal(step.direction);
  if (wanted.catalog == nullptr) return std::nullopt;  // the step is refused by itself: another law's finding
  // The mark says that a look is needed, and the look says that all is done.
  if (ledger.dirty && is_goal(wanted, seen)) return std::nullopt;
  if (ledger.dirty) stand.runner().Stamp(failed.ledger_before.applied);
  ++result.exercised["runs again"];
  try {
    stand.runner().Apply(step);
  } catch (const Error& refusal) {
    if (!IsComplaint(refusal)) throw;
    broken.refusals.push_back(refusal);
    return as(BrokenFailure::Kind::kRefusedAgain, wanted, std::move(seen));
  }
  seen = stand.Observe();
  if (is_goal(wanted, seen)) return std::nullopt;
  return as(BrokenFailure::Kind::kElsewhere, wanted, std::move(seen));
}

FailureTrials::FailureTrials(const Bench& bench)
    : bench_(bench), source_(bench), again_(bench), deaths_(std::make_unique<Deaths>(bench)) {}

FailureTrials::~FailureTrials() = default;

Stand& FailureTrials::StandAt(std::size_t index) {
  if (stand_ == nullptr || stand_->index() != index) {
    const bool rises = stand_ != nullptr && stand_->index() < index && stand_->ReadSequences() == sequences_;
    if (rises) stand_->UpgradeTo(index);
    if (!rises || stand_->index() != index) stand_ = source_.At(index);
    sequences_ = stand_->ReadSequences();
  }
  if (!here_ || here_index_ != index) here_ = stand_->Observe();
  here_index_ = index;
  return *stand_;
}

void FailureTrials::LeaveStand() {
  stand_.reset();
  here_.reset();
}

const FailureResult& FailureTrials::At(std::size_t index) {
  if (done_ == index) return result_;
  result_ = {};
  index_ = index;
  goals_.clear();
  goals_again_.clear();
  const Revision& revision = *bench_.subject().order()[index];
  if (stand_ != nullptr && stand_->ReadSequences() != sequences_) LeaveStand();
  FindGoals(index);
  Fail(index, Direction::kUpgrade);
  if (revision.downgrade && !revision.Declares("irreversible")) Fail(index, Direction::kDowngrade);
  deaths_->At(index, *this, result_);
  done_ = index;
  return result_;
}

void FailureTrials::Fail(std::size_t index, Direction direction) {
  const Revision& revision = *bench_.subject().order()[index];
  const Section& section = direction == Direction::kUpgrade ? revision.upgrade : *revision.downgrade;
  const bool looks_always = MaySetSequences(section.script);
  const std::vector<StepPlace> places = PlacesIn(section);
  // To come to a place takes all statements before it. In a long script that is one transaction, where the server
  // undoes one failing statement as it does another, some places stand for all, the first, the last and the one behind
  // the ledger entry among them; elsewhere that is so for cancels.
  const bool is_one_transaction =
      section.execution == Execution::kTransaction && !HoldsTransactionControl(section.script);
  const bool nightly = bench_.options().nightly;
  const std::size_t stride = nightly ? 1 : 1 + places.size() / kPlacesInAStep;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const StepPlace& place = places[i];
    const bool stands_for_others = i == 0 || i + 2 >= places.size() || i % stride == 0;
    if (!stands_for_others && is_one_transaction) {
      ++result_.exercised["places left to --nightly"];
      continue;
    }
    for (const FailureKind kind : {FailureKind::kError, FailureKind::kCancel}) {
      if (bench_.OutOfTime()) return;
      if (kind == FailureKind::kCancel && !stands_for_others) continue;
      // Where most was done there is most to be seen: there, not only the server's word is taken.
      FailAt(index, direction, place, kind, looks_always || (place.behind_entry() && kind == FailureKind::kError));
    }
  }
  CancelWithin(index, direction);
}

void FailureTrials::FailAt(std::size_t index, Direction direction, const StepPlace& place, FailureKind kind,
                           bool looks) {
  const Subject& subject = bench_.subject();
  const Revision& revision = *subject.order()[index];
  Stand& stand = StandAt(direction == Direction::kUpgrade ? index : index + 1);
  Session& session = stand.session();
  FailedStep failed{.failure = {kind, direction, place, {}}, .revision = &revision};
  failed.failure.where = WhereIs(failed.section(), place);
  failed.ledger_before = ReadLedger(session, subject);
  failed.before = *here_;
  const Interrupted step(subject, revision, direction, place,
                         kind == FailureKind::kError ? kFailingSql : kCancelledSql);
  CommitWatch commits(session);
  commits.Mark();
  bool refused = false;
  try {
    stand.MakeRunner(step.ledger())->Apply(step.step());
  } catch (const Error& error) {
    if (!IsComplaint(error) && !(error.sql() && error.sql()->sqlstate == "57014")) throw;
    refused = true;
  }
  if (!refused) {
    throw Error(ErrorKind::kInternal,
                fmt::format("{} did not happen in revision '{}'", failed.failure.ToString(), revision.id));
  }
  ++result_.exercised["failures"];
  const std::int64_t marks = subject.ledger().BeforeSql(step.step(), subject.history()).empty() ? 0 : 1;
  const bool committed = commits.SinceMark() > marks;
  if (!committed && !looks) {
    const LedgerState now = ReadLedger(session, subject);
    if (now.dirty && marks > 0) stand.runner().Stamp(failed.ledger_before.applied);
    if (ReadLedger(session, subject) == failed.ledger_before) return TidyNowAndThen();
  }
  std::optional<BrokenFailure> broken = Judge(subject, failed, stand, *this, result_);
  if (broken) result_.broken.push_back(*broken);
  if (!committed && !broken) {  // the look has shown that nothing is there
    if (ReadLedger(session, subject).dirty) stand.runner().Stamp(failed.ledger_before.applied);
    return TidyNowAndThen();
  }
  if (!Return(failed)) return LeaveStand();
  TidyNowAndThen();
}

// Up and down once: what both steps give where nothing fails.
void FailureTrials::FindGoals(std::size_t index) {
  const Revision& revision = *bench_.subject().order()[index];
  const bool goes_down = revision.downgrade && !revision.Declares("irreversible");
  Stand& stand = StandAt(index);
  const Observation before = *here_;
  here_.reset();
  if (stand.UpgradeNext().empty()) goals_[Direction::kUpgrade] = stand.Observe();
  if (!goes_down || !stand.DowngradeLast().empty()) return;
  goals_[Direction::kDowngrade] = stand.Observe();
  if (!Same(before, goals_[Direction::kDowngrade])) LeaveStand();
}

bool FailureTrials::Return(const FailedStep& failed) {
  const Subject& subject = bench_.subject();
  const Direction direction = failed.failure.direction;
  const bool up = direction == Direction::kUpgrade;
  const auto restored = [&] {
    return ReadLedger(stand_->session(), subject) == failed.ledger_before && Same(failed.before, stand_->Observe());
  };
  if (ReadLedger(stand_->session(), subject).dirty) stand_->runner().Stamp(failed.ledger_before.applied);
  if (restored()) return true;
  const auto goal = goals_.find(direction);
  const bool back = !up || (failed.revision->downgrade && !failed.revision->Declares("irreversible"));
  if (!back || goal == goals_.end() || !Same(goal->second, stand_->Observe())) return false;
  LedgerState done = failed.ledger_before;
  if (up) done.applied.insert(failed.revision->id);
  if (!up) done.applied.erase(failed.revision->id);
  try {
    stand_->runner().Stamp(done.applied);
    stand_->runner().Apply({up ? Direction::kDowngrade : Direction::kUpgrade, failed.revision});
  } catch (const Error& refusal) {
    if (!IsComplaint(refusal)) throw;
    return false;
  }
  return restored();
}

Observation FailureTrials::Goal(Direction direction) {
  const auto found = goals_.find(direction);
  return found == goals_.end() ? Observation() : found->second;
}

Observation FailureTrials::GoalAgain(Direction direction) {
  const auto found = goals_again_.find(direction);
  if (found != goals_again_.end()) return found->second;
  Observation& goal = goals_again_[direction];
  const auto stand = again_.At(direction == Direction::kUpgrade ? index_ : index_ + 1);
  try {
    stand->runner().Apply({direction, bench_.subject().order()[index_]});
  } catch (const Error& refusal) {
    if (!IsComplaint(refusal)) throw;
    return goal;
  }
  return goal = stand->Observe();
}

void FailureTrials::CancelWithin(std::size_t index, Direction direction) {
  const Subject& subject = bench_.subject();
  const Revision& revision = *subject.order()[index];
  const Section& section = direction == Direction::kUpgrade ? revision.upgrade : *revision.downgrade;
  for (const StepPlace& place : PlacesToCancelWithin(section)) {
    if (bench_.OutOfTime()) return;
    const auto stand = source_.At(direction == Direction::kUpgrade ? index : index + 1);
    FailedStep failed{.failure = {FailureKind::kCancelWithin, direction, place, WhereIs(section, place)},
                      .revision = &revision,
                      .ledger_before = ReadLedger(stand->session(), subject),
                      .before = stand->Observe()};
    if (!migproof::CancelWithin(subject, *stand, {direction, &revision}, place)) {
      result_.notes.push_back(fmt::format("{} could not be had", failed.failure.ToString()));
      continue;
    }
    ++result_.exercised["failures"];
    std::optional<BrokenFailure> broken = Judge(subject, failed, *stand, *this, result_);
    if (broken) result_.broken.push_back(std::move(*broken));
  }
}

// Rolled back DDL leaves dead rows in the catalogs.
void FailureTrials::TidyNowAndThen() {
  constexpr int kFailuresBetween = 20;
  if (++failures_since_tidy_ < kFailuresBetween) return;
  failures_since_tidy_ = 0;
  stand_->session().Execute(
      "VACUUM (TRUNCATE false) pg_catalog.pg_class, pg_catalog.pg_attribute, pg_catalog.pg_type, pg_catalog.pg_depend, "
      "pg_catalog.pg_index, pg_catalog.pg_constraint, pg_catalog.pg_attrdef, pg_catalog.pg_trigger, "
      "pg_catalog.pg_shdepend, pg_catalog.pg_proc");
}

}  // namespace migproof
