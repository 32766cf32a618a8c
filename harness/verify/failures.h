// Makes the steps of a revision fail at every statement, and tells what the failures have left behind.
//
//   FailureTrials trials(bench);
//   const FailureResult& result = trials.At(index);
//
// A step is run by the runner that users run, with a failing statement put in (see Interrupted), on one database that
// rises with the revisions. A failure that commits nothing leaves that database as it was; whether something was
// committed is asked of the server for every failure. What left something is looked at in full, and run again where the
// step is not one transaction; where that has come to the goal of the step, the failures of the other step go on from
// there, else the database is made anew. Only two kinds of failures need a database each: those in the middle of a
// statement that commits on its way, and deaths (see deaths.h).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/verify/injection.h"
#include "harness/verify/replay_source.h"

namespace migproof {

enum class FailureKind {
  kError,          // the server refuses a statement
  kCancel,         // a statement is cancelled
  kCancelWithin,   // a statement is cancelled in the middle, where it has committed a part
  kBackendKilled,  // the server's process for this connection is ended
  kServerKilled,   // the server is killed with SIGQUIT and started again
  kRunnerKilled,   // the runner is killed with SIGKILL
};

// "an error", "a cancel", "the death of the runner".
std::string_view Name(FailureKind kind);

struct Failure {
  FailureKind kind = FailureKind::kError;
  Direction direction = Direction::kUpgrade;
  StepPlace place;
  SourceLocation where;

  // "a cancel before statement 2 of 3 of the upgrade".
  std::string ToString() const;
};

// A failure after which the database is not what it should be.
struct BrokenFailure {
  enum class Kind {
    kTrace,         // a step that is one transaction has left something
    kClaim,         // the ledger says that the step was done, and it was not; or the reverse
    kRefusedAgain,  // running the step again is refused
    kElsewhere,     // running the step again succeeds and ends elsewhere
  };
  Kind kind = Kind::kTrace;
  Failure failure;
  Observation expected;         // what should be there
  Observation seen;             // what is
  std::vector<Error> refusals;  // of running the step again
  std::string ledger;           // what the ledger says ("r1, r2 (dirty)")
};

struct FailureResult {
  std::vector<BrokenFailure> broken;
  std::map<std::string, std::int64_t> exercised;  // "failures", "runs again", "deaths" ...
  std::vector<std::string> notes;
};

// What the ledger of a database says.
struct LedgerState {
  History::Applied applied;
  bool dirty = false;

  std::string ToString() const;
  bool operator==(const LedgerState&) const = default;
};

LedgerState ReadLedger(Session& session, const Subject& subject);

// Whether it has a downgrade that is meant to be run.
bool GoesDown(const Revision& revision);

// Whether two looks show the same catalog and rows: clocks, chance and sequences that went on do not count, nor do the
// contents of the tables in `leave_out`.
bool Same(const Observation& was, const Observation& is, const std::set<std::string>& leave_out = {});

// One step that failed on a database, and what is to be held against what is there now.
struct FailedStep {
  Failure failure;
  const Revision* revision = nullptr;
  LedgerState ledger_before;
  Observation before;               // null catalog where nobody looked: then it counts as changed
  std::set<std::string> leave_out;  // tables whose contents do not count

  const Section& section() const {
    return failure.direction == Direction::kUpgrade ? revision->upgrade : *revision->downgrade;
  }
};

// The database after a step without failures; null catalog where the step is refused by itself.
class StepGoals {
 public:
  virtual ~StepGoals() = default;
  virtual Observation Goal(Direction direction) = 0;
  // The same, made anew from the ground up: what it has otherwise is the clock's doing, or chance's.
  virtual Observation GoalAgain(Direction direction) = 0;
  // Before both steps.
  virtual Observation Below() = 0;
};

struct Judgement {
  std::optional<BrokenFailure> broken;
  Observation left;  // what the database shows now; null catalog where nobody has looked since it changed
};

// Judges what `failed` has left on `stand`; runs the step again there where it may need that.
Judgement Judge(const Subject& subject, const FailedStep& failed, Stand& stand, StepGoals& goals,
                FailureResult& result);

// Whether the sequences are where a look has seen them.
bool StandAsSeen(const Stand::Sequences& sequences, const Observation& seen);

class Deaths;

class FailureTrials : private StepGoals {
 public:
  explicit FailureTrials(const Bench& bench);
  ~FailureTrials() override;

  // The revision order()[index], upgrade and downgrade.
  const FailureResult& At(std::size_t index);

 private:
  Stand& StandAt(std::size_t index);
  // The database is not as it was: the next one is made anew.
  void LeaveStand();
  std::vector<Failure> ToTry(std::size_t index, Direction direction);
  void Fail(std::size_t index);
  // `looks`: in full, whatever the server says of it.
  void FailAt(std::size_t index, const Failure& failure, bool looks);
  void CancelWithin(std::size_t index, Direction direction);
  void TidyNowAndThen();
  void FindGoals(std::size_t index);
  Observation Goal(Direction direction) override;
  Observation GoalAgain(Direction direction) override;
  Observation Below() override { return below_; }
  // From the revision's upper end to its lower one; false where that is not what was there before.
  bool Descends(std::size_t index);
  // Takes the database for where it stands after a failure, before the step or behind it; false where it has to be made
  // anew.
  bool Settles(const FailedStep& failed, const Observation& left);
  bool GoesBack(const FailedStep& failed);

  const Bench& bench_;
  ReplaySource source_;
  ReplaySource again_;  // at another time
  std::unique_ptr<Stand> stand_;
  // Of stand_, before anything was tried there. What tries draw no ROLLBACK gives back, and the steps above may choose
  // rows by it: the database is taken on to the next revision only where this is what there is.
  Stand::Sequences sequences_;
  std::optional<Observation> here_;  // what stand_ shows where no failure has left anything
  std::size_t here_index_ = 0;
  std::optional<std::size_t> done_;  // the index that result_ is about
  FailureResult result_;
  std::size_t index_ = 0;  // being looked at
  Observation below_;      // before both steps
  Stand::Sequences below_sequences_;
  std::map<Direction, Observation> goals_;
  std::map<Direction, Observation> goals_again_;
  std::unique_ptr<Deaths> deaths_;
  int failures_since_tidy_ = 0;
};

}  // namespace migproof
