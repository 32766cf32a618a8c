#include "harness/verify/failures.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "harness/verify/cancel_within.h"
#include "harness/verify/commit_watch.h"
#include "harness/verify/deaths.h"
#include "harness/verify/pending_failures.h"
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

bool IsDeath(FailureKind kind) {
  return kind == FailureKind::kBackendKilled || kind == FailureKind::kServerKilled ||
         kind == FailureKind::kRunnerKilled;
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

bool GoesDown(const Revision& revision) { return revision.downgrade && !revision.Declares("irreversible"); }

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

Judgement Judge(const Subject& subject, const FailedStep& failed, Stand& stand, StepGoals& goals,
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
  Observation seen = stand.Observe();
  const auto as = [&](BrokenFailure::Kind kind, Observation expected) {
    broken.kind = kind;
    broken.expected = std::move(expected);
    broken.seen = seen;
    return Judgement{broken, kind == BrokenFailure::Kind::kRefusedAgain ? Observation() : seen};
  };
  const auto sound = [&] { return Judgement{std::nullopt, seen}; };
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
    if (ledger != done) return as(BrokenFailure::Kind::kClaim, failed.before);
    const Observation wanted = goals.Goal(step.direction);
    if (is_goal(wanted, seen)) return sound();
    return as(BrokenFailure::Kind::kClaim, wanted);
  }
  if (ledger.dirty && !marks) return as(BrokenFailure::Kind::kClaim, failed.before);
  if (as_before) return sound();
  if (failed.section().execution == Execution::kTransaction) {
    return as(BrokenFailure::Kind::kTrace, failed.before);
  }
  const Observation wanted = goals.Goal(step.direction);
  if (wanted.catalog == nullptr) return sound();  // the step is refused by itself: another law's finding
  // The mark says that a look is needed, and the look says that all is done.
  if (ledger.dirty && is_goal(wanted, seen)) return sound();
  if (ledger.dirty) stand.runner().Stamp(failed.ledger_before.applied);
  ++result.exercised["runs again"];
  try {
    stand.runner().Apply(step);
  } catch (const Error& refusal) {
    if (!IsComplaint(refusal)) throw;
    broken.refusals.push_back(refusal);
    return as(BrokenFailure::Kind::kRefusedAgain, wanted);
  }
  seen = stand.Observe();
  if (is_goal(wanted, seen)) return sound();
  return as(BrokenFailure::Kind::kElsewhere, wanted);
}

bool StandAsSeen(const Stand::Sequences& sequences, const Observation& seen) {
  return std::all_of(sequences.begin(), sequences.end(), [&](const auto& sequence) {
    const auto found = seen.rows->sequences.find(sequence.first);
    return found != seen.rows->sequences.end() && found->second == sequence.second;
  });
}

FailureTrials::FailureTrials(const Bench& bench)
    : bench_(bench), source_(bench), again_(bench), deaths_(std::make_unique<Deaths>(bench)) {}

FailureTrials::~FailureTrials() = default;

Stand& FailureTrials::StandAt(std::size_t index) {
  if (stand_ == nullptr || stand_->index() != index) {
    const bool rises = stand_ != nullptr && stand_->index() < index && stand_->ReadSequences() == sequences_;
    if (rises) stand_->UpgradeTo(index);
    if (stand_ == nullptr || (stand_->index() != index && !Descends(index))) stand_ = source_.At(index);
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
  Fail(index);
  CancelWithin(index, Direction::kUpgrade);
  if (GoesDown(revision)) CancelWithin(index, Direction::kDowngrade);
  deaths_->At(index, *this, result_);
  // In the order of the script, whatever order they were tried in.
  std::stable_sort(result_.broken.begin(), result_.broken.end(), [](const BrokenFailure& a, const BrokenFailure& b) {
    const auto rank = [](const Failure& failure) {
      return std::tuple(IsDeath(failure.kind), failure.direction == Direction::kDowngrade,
                        failure.kind == FailureKind::kCancelWithin, failure.place.statement);
    };
    return rank(a.failure) < rank(b.failure);
  });
  done_ = index;
  return result_;
}

std::vector<Failure> FailureTrials::ToTry(std::size_t index, Direction direction) {
  const Revision& revision = *bench_.subject().order()[index];
  const Section& section = direction == Direction::kUpgrade ? revision.upgrade : *revision.downgrade;
  const std::vector<StepPlace> places = PlacesIn(section);
  // To come to a place takes all statements before it. In a long script that is one transaction, where the server
  // undoes one failing statement as it does another, some places stand for all, the first, the last and the one behind
  // the ledger entry among them; elsewhere that is so for cancels.
  const bool is_one_transaction =
      section.execution == Execution::kTransaction && !HoldsTransactionControl(section.script);
  const bool nightly = bench_.options().nightly;
  const std::size_t stride = nightly ? 1 : 1 + places.size() / kPlacesInAStep;
  std::vector<Failure> failures;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const StepPlace& place = places[i];
    const bool stands_for_others = i == 0 || i + 2 >= places.size() || i % stride == 0;
    if (!stands_for_others && is_one_transaction) {
      ++result_.exercised["places left to --nightly"];
      continue;
    }
    failures.push_back({FailureKind::kError, direction, place, WhereIs(section, place)});
    if (stands_for_others) failures.push_back({FailureKind::kCancel, direction, place, WhereIs(section, place)});
  }
  return failures;
}

void FailureTrials::Fail(std::size_t index) {
  const Revision& revision = *bench_.subject().order()[index];
  const bool goes_down = GoesDown(revision);
  PendingFailures pending(ToTry(index, Direction::kUpgrade),
                          goes_down ? ToTry(index, Direction::kDowngrade) : std::vector<Failure>());
  const bool up_sets = MaySetSequences(revision.upgrade.script);
  const bool down_sets = goes_down && MaySetSequences(revision.downgrade->script);
  while (const auto failure = pending.Take(stand_ != nullptr && stand_->index() == index + 1)) {
    if (bench_.OutOfTime()) return;
    // Where most was done there is most to be seen: there, not only the server's word is taken.
    const bool sets_sequences = failure->direction == Direction::kUpgrade ? up_sets : down_sets;
    FailAt(index, *failure, sets_sequences || (failure->place.behind_entry() && failure->kind == FailureKind::kError));
  }
}

void FailureTrials::FailAt(std::size_t index, const Failure& failure, bool looks) {
  const auto& [kind, direction, place, where] = failure;
  const Subject& subject = bench_.subject();
  const Revision& revision = *subject.order()[index];
  Stand& stand = StandAt(direction == Direction::kUpgrade ? index : index + 1);
  Session& session = stand.session();
  FailedStep failed{.failure = failure, .revision = &revision};
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
  const Judgement judged = Judge(subject, failed, stand, *this, result_);
  if (judged.broken) result_.broken.push_back(*judged.broken);
  if (!committed && !judged.broken) {  // the look has shown that nothing is there
    if (ReadLedger(session, subject).dirty) stand.runner().Stamp(failed.ledger_before.applied);
    return TidyNowAndThen();
  }
  if (!Settles(failed, judged.left)) return LeaveStand();
  TidyNowAndThen();
}

// Up and down once: what both steps give where nothing fails.
void FailureTrials::FindGoals(std::size_t index) {
  const Revision& revision = *bench_.subject().order()[index];
  Stand& stand = StandAt(index);
  const Observation before = *here_;
  below_ = before;
  below_sequences_ = sequences_;
  here_.reset();
  if (stand.UpgradeNext().empty()) goals_[Direction::kUpgrade] = stand.Observe();
  if (!GoesDown(revision)) return;
  // With the mark of a step that failed, or half of the step.
  if (!stand.DowngradeLast().empty()) return LeaveStand();
  goals_[Direction::kDowngrade] = stand.Observe();
  if (!Same(before, goals_[Direction::kDowngrade])) LeaveStand();
}

bool FailureTrials::Descends(std::size_t index) {
  const bool may = stand_->index() == index + 1 && index == index_ && GoesDown(*bench_.subject().order()[index]);
  return may && stand_->DowngradeLast().empty() && Same(below_, stand_->Observe()) &&
         stand_->ReadSequences() == below_sequences_;
}

bool FailureTrials::Settles(const FailedStep& failed, const Observation& left) {
  if (left.catalog == nullptr) return false;
  const LedgerState& before = failed.ledger_before;
  if (Same(failed.before, left)) {
    if (ReadLedger(stand_->session(), bench_.subject()) != before) stand_->runner().Stamp(before.applied);
    return true;
  }
  const bool up = failed.failure.direction == Direction::kUpgrade;
  const Observation goal = Goal(failed.failure.direction);
  if (goal.catalog == nullptr || !Same(goal, left)) return false;
  LedgerState done = before;
  if (up) done.applied.insert(failed.revision->id);
  if (!up) done.applied.erase(failed.revision->id);
  if (ReadLedger(stand_->session(), bench_.subject()) != done) stand_->runner().Stamp(done.applied);
  stand_->NowAt(up ? index_ + 1 : index_);
  const Observation& there = up ? goal : below_;
  Stand::Sequences drawn = stand_->ReadSequences();
  if ((up || Same(there, left)) && StandAsSeen(drawn, there)) {
    here_ = there;
    here_index_ = stand_->index();
    sequences_ = std::move(drawn);
    return true;
  }
  return GoesBack(failed);
}

// By the other step.
bool FailureTrials::GoesBack(const FailedStep& failed) {
  const bool up = failed.failure.direction == Direction::kUpgrade;
  if (up && !GoesDown(*failed.revision)) return false;
  try {
    stand_->runner().Apply({up ? Direction::kDowngrade : Direction::kUpgrade, failed.revision});
  } catch (const Error& refusal) {
    if (!IsComplaint(refusal)) throw;
    return false;
  }
  stand_->NowAt(up ? index_ : index_ + 1);
  return ReadLedger(stand_->session(), bench_.subject()) == failed.ledger_before &&
         Same(failed.before, stand_->Observe());
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
    Judgement judged = Judge(subject, failed, *stand, *this, result_);
    if (judged.broken) result_.broken.push_back(std::move(*judged.broken));
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
