// The ordered difference of two catalogs: one line per difference.
#pragma once

#include <string>
#include <vector>

#include "harness/catalog/catalog.h"

namespace migproof {

enum class Equivalence {
  kLogical,   // column order, white space of function bodies: notes
  kPhysical,  // they count
};

struct Difference {
  enum class Change { kMissing, kExtra, kChanged };  // against "was": gone, new, other
  Change change = Change::kChanged;
  ObjectKey object;
  std::string relation;   // the relation the object belongs to, or ""
  std::string attribute;  // for kChanged
  std::string was;        // attribute value before; for kMissing a short definition
  std::string is;         // attribute value after; for kExtra a short definition
  bool note = false;      // does not count under the chosen equivalence

  // "- column public.orders.note: text", "+ enum public.phasetype: PLANNER, CODER",
  // "~ column public.orders.note: default was 'x', is absent".
  std::string ToLine() const;

  bool operator==(const Difference&) const = default;
};

class Drift {
 public:
  std::vector<Difference> differences;  // sorted by object, then attribute; what counts and notes alike

  // True where nothing counts (notes may be there).
  bool empty() const;
  // Those that count.
  std::vector<Difference> Findings() const;
};

// What must be done to `was` to make it `is`. An object that is gone or new is one difference: its parts (the columns
// of a dropped table, the index of a dropped constraint) are not listed again.
Drift Compare(const Catalog& was, const Catalog& is, Equivalence equivalence = Equivalence::kLogical);

// The differences of `drift` that are not in `known` (a step answers only for the drift that it adds).
Drift Without(const Drift& drift, const Drift& known);

}  // namespace migproof
