// The time that a piece of work has, and whether that made it leave something out.
//
//   while (more && !limit.Spent()) ...
//   if (limit.cut_short()) ... // what was not looked at is not said to hold
#pragma once

#include <chrono>

namespace migproof {

class TimeLimit {
 public:
  using Clock = std::chrono::steady_clock;

  // From now on; Clock::time_point::max() is no limit.
  void Begin(Clock::time_point until) {
    until_ = until;
    cut_short_ = false;
  }

  // The same time for the next part of the work.
  void BeginPart() { cut_short_ = false; }

  // Asked by whoever stops where the answer is yes.
  bool Spent() const {
    if (until_ == Clock::time_point::max() || Clock::now() < until_) return false;
    cut_short_ = true;
    return true;
  }

  Clock::time_point until() const { return until_; }
  // Whether anybody was told to stop since Begin or BeginPart.
  bool cut_short() const { return cut_short_; }

 private:
  Clock::time_point until_ = Clock::time_point::max();
  mutable bool cut_short_ = false;
};

}  // namespace migproof
