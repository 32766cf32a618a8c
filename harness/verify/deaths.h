// Lets the server's process of a step, the server itself or the runner die in the middle of the step.
//
// On a server of its own with synchronous_commit=on, so that what was committed before a crash is there after it. The
// runner is a process of its own, stopped at a gate in its script (see Gate): where it dies is no guess about time. One
// statement of each step is drawn from the seed; in a nightly run it is every one. One database rises with the
// revisions; whether a death has committed anything is asked of the server, and only then all of it is looked at.
#pragma once

#include <memory>
#include <vector>

#include "harness/verify/failures.h"

namespace migproof {

class Deaths {
 public:
  explicit Deaths(const Bench& bench) : bench_(bench) {}

  // Both steps of order()[index], of which `goals` knows; what is found is added to `result`.
  void At(std::size_t index, StepGoals& goals, FailureResult& result);

 private:
  std::vector<Failure> ToTry(const Revision& revision, Direction direction) const;
  std::vector<StepPlace> Places(const Revision& revision, Direction direction, const Section& section) const;
  void Die(std::size_t at, FailedStep& failed, StepGoals& goals, FailureResult& result);
  // Runs the step up to its gate and has somebody die there. False where it never came there.
  bool LetDie(const FailedStep& failed);
  void GoTo(std::size_t index, StepGoals& goals);
  bool SequencesWentOn();
  // The database shows `left`, where the step leads to, and its ledger what `failed` left: takes it for there. False
  // where it is not there.
  bool GoOn(const FailedStep& failed, const Observation& left, StepGoals& goals);

  const Bench& bench_;
  bool asked_ = false;
  std::unique_ptr<Bench> mortal_;
  std::unique_ptr<ReplaySource> source_;
  std::unique_ptr<Stand> stand_;
  std::size_t index_ = 0;       // where the database stands
  Stand::Sequences sequences_;  // there, before anything was tried (see FailureTrials)
};

}  // namespace migproof
