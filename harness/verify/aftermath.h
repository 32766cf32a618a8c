// What a refused upgrade has left of itself, with real commits.
#pragma once

#include <string>

#include "harness/verify/trial.h"

namespace migproof {

struct Aftermath {
  Observation seen;    // the database after the refusal
  std::string ledger;  // what the ledger says now ("r1, r2 (dirty)"), where that is another thing than before; else ""
};

}  // namespace migproof
