// The ledger as replay leaves it and as stamping does, revision by revision.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "harness/verify/failures.h"

namespace migproof {

struct StampedLedger {
  std::vector<std::string> replayed;  // entries, one line each: "r1 0f3c...", sorted
  std::vector<std::string> stamped;   // of a database that was stamped there from nothing
  Observation before;                 // the database before it was stamped, and after
  Observation after;
};

class Stamping {
 public:
  explicit Stamping(const Bench& bench) : bench_(bench), source_(bench) {}

  // With the first `index` revisions applied.
  StampedLedger At(std::size_t index);

 private:
  const Bench& bench_;
  ReplaySource source_;
  std::unique_ptr<Stand> stand_;
};

}  // namespace migproof
