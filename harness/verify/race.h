// Runners that are started together on one database, each asked to bring it to the heads.
//
//   const RaceResult result = Race(bench, {.runners = 8});
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/verify/failures.h"

namespace migproof {

struct RaceOptions {
  int runners = 2;
  // Before the others begin, one more runner is killed while it holds the lock, with so many revisions applied; -1:
  // none is.
  int killed_after = -1;
  int lock_timeout_ms = 120'000;
};

struct RaceResult {
  // How often each revision was applied, by its id; a killed runner's count in.
  std::map<std::string, int> applied;
  std::vector<Error> complaints;  // one for each runner that could not go on
  LedgerState ledger;
  Observation end;
};

RaceResult Race(const Bench& bench, const RaceOptions& options);

// The revisions after whose upgrade another runner could take the lock while the first one was still at work.
std::vector<std::string> LockLetGo(const Bench& bench);

}  // namespace migproof
