// The revisions of a plan, waiting for worker processes: whoever has done a stretch of them takes the next, so that all
// end at about the same time, whatever else each of them has to do.
//
//   Stretches stretches(plan, 2);  // before the processes are forked
//   while (const auto stretch = stretches.Take()) ...
//
// Stretches become shorter towards the end. What one process takes is gone for all; each gets them in rising order.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "harness/verify/plan.h"

namespace migproof {

class Stretches {
 public:
  // Of plan.revisions(), for so many processes. Error(internal) where there is no memory to share.
  Stretches(Plan plan, int workers);
  ~Stretches();
  Stretches(const Stretches&) = delete;
  Stretches& operator=(const Stretches&) = delete;

  const Plan& plan() const { return plan_; }
  // Indices of revisions, as in plan().revisions(); nothing where all are taken.
  std::optional<std::vector<std::size_t>> Take();
  bool Exhausted() const;

  // This process takes part from here on.
  void Join();
  // One of those taken has been looked at.
  void Done();
  // Those that nobody has looked at so far, and the processes that take part.
  std::size_t left() const;
  std::size_t hands() const;

 private:
  struct Shared;

  Plan plan_;
  std::vector<std::size_t> revisions_;
  std::size_t workers_;
  Shared* shared_;
};

}  // namespace migproof
