// What tells two databases apart that should have come to the same end.
//
//   const Gap gap = GapBetween(one, other, {});
//   if (!gap.empty()) ...
#pragma once

#include <set>
#include <string>
#include <vector>

#include "harness/verify/trial.h"

namespace migproof {

// What two executions of the very same steps differ in: the clock and chance, not the way that was taken.
struct Unsteady {
  UnstableColumns columns;
  std::set<ObjectKey> objects;  // of the catalog
};

struct Gap {
  std::vector<Error> only_one;  // what only the way to the first had refused
  std::vector<Error> only_other;
  std::vector<Difference> differences;  // from the first catalog to the other; none are notes
  std::vector<std::string> rows;        // likewise of rows, as lines

  bool empty() const { return only_one.empty() && only_other.empty() && differences.empty() && rows.empty(); }
};

// Names that the server chose compare by definition; columns under volatile defaults, and what refers to them, by NULL
// or not. Both must have been looked at (a catalog is there).
Gap GapBetween(const Observation& one, const Observation& other, const Unsteady& unsteady);

// Without the sequences that the catalog does not list: they count the ledger's entries.
Observation WithoutLedger(Observation seen);

// From two observations at the end of the same steps.
Unsteady UnsteadyBetween(const Observation& once, const Observation& again);

}  // namespace migproof
