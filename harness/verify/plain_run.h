// Whole runs of a history on databases of their own: as the walk goes, under another environment, by psql, as one of
// several tenants.
#pragma once

#include <string>
#include <vector>

#include "harness/verify/environments.h"
#include "harness/verify/run_differences.h"
#include "harness/verify/stand.h"

namespace migproof {

struct PlainRun {
  Observation end;
  std::vector<Error> refusals;  // of upgrades; the failing statements are left out
};

// From an empty database to the heads. `heads` is what the usual run gives.
PlainRun RunUnder(const Bench& bench, const Environment& environment, const Catalog& heads);

struct OfflineRun {
  Observation end;
  std::string complaint;  // what psql said where it failed
  std::string why_not;    // why there is no psql to run it, or ""
};
// The offline script of all upgrades, run by `psql -X`.
OfflineRun RunOffline(const Bench& bench);

// The history runs in one namespace, found by search_path, after it has run in another namespace of the database.
struct TenantRun {
  Observation before;           // of the second run, without what is in its namespace
  Observation after;            // likewise
  std::vector<Error> refusals;  // of the second run, which the first one did not have
};
TenantRun RunAsTenant(const Bench& bench);

}  // namespace migproof
