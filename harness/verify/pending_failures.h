// The failures of a revision's two steps that are still to be tried. A step that fails behind its script is often done
// all the same: the database then stands where the other step starts, so that one is tried next.
//
//   PendingFailures pending(of_upgrade, of_downgrade);
//   while (const auto failure = pending.Take(is_above)) ...
#pragma once

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "harness/verify/failures.h"

namespace migproof {

class PendingFailures {
 public:
  // Each step's are taken in the order given.
  PendingFailures(std::vector<Failure> of_upgrade, std::vector<Failure> of_downgrade)
      : up_(std::move(of_upgrade)), down_(std::move(of_downgrade)) {
    std::ranges::reverse(up_);
    std::ranges::reverse(down_);
  }

  // The next one; `is_above`: the database stands behind the upgrade, where downgrades start. Of the other step where
  // the one that starts there has none left; nothing where neither has.
  std::optional<Failure> Take(bool is_above) {
    std::vector<Failure>& failures = up_.empty() || (is_above && !down_.empty()) ? down_ : up_;
    if (failures.empty()) return std::nullopt;
    Failure next = std::move(failures.back());
    failures.pop_back();
    return next;
  }

 private:
  std::vector<Failure> up_;
  std::vector<Failure> down_;
};

}  // namespace migproof
