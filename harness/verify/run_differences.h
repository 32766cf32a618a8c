// What two runs that should end alike differ in.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "harness/verify/trial.h"

namespace migproof {

struct RunDifferences {
  std::vector<Difference> drift;
  std::vector<std::string> rows;

  bool empty() const { return drift.empty() && rows.empty(); }
};

// `again` is a second run of the same kind as `was`: what it has otherwise (the clock's doing, or chance's) does not
// count. Nor do the contents of the tables in `leave_out`; columns that are known to hold other values in each run
// compare by NULL or not.
RunDifferences CompareRuns(const Observation& was, const Observation& is, const Observation& again,
                           const std::set<std::string>& leave_out = {}, const UnstableColumns& known = {});

}  // namespace migproof
