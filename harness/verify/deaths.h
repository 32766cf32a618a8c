// Lets the server's process of a step, the server itself or the runner die in the middle of the step.
//
// On a server of its own with synchronous_commit=on, so that what was committed before a crash is there after it. The
// runner is a process of its own, stopped at a gate in its script (see Gate): where it dies is no guess about time. One
// statement of each step is drawn from the seed; in a nightly run it is every one.
#pragma once

#include <memory>
#include <vector>

#include "harness/verify/failures.h"

namespace migproof {

class Deaths {
 public:
  explicit Deaths(const Bench& bench) : bench_(bench) {}

  // Both steps of order()[index]; what is found is added to `result`.
  void At(std::size_t index, StepGoals& goals, FailureResult& result);

 private:
  void Step(std::size_t index, Direction direction, StepGoals& goals, FailureResult& result);
  void Die(std::size_t index, FailedStep& failed, StepGoals& goals, FailureResult& result);
  bool LetDie(const FailedStep& failed);
  std::vector<StepPlace> Places(const Revision& revision, Direction direction, const Section& section) const;
  // A database with the first `index` revisions applied; kept by GiveBack while nothing has changed it.
  std::unique_ptr<Stand> Take(std::size_t index);
  void GiveBack(std::unique_ptr<Stand> stand);

  const Bench& bench_;
  bool asked_ = false;
  std::unique_ptr<Bench> mortal_;
  std::unique_ptr<ReplaySource> source_;
  std::unique_ptr<Database> database_;
  std::size_t index_ = 0;  // of database_
};

}  // namespace migproof
