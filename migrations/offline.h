// Migrations as a script for psql, made without a database (--sql).
//
//   out << OfflineHeader(*ledger);
//   for (const Revision* r : history.Range("a1:b2")) out << OfflineStep({Direction::kUpgrade, r}, history, *ledger,
//   {});
//
// Run by `psql -X -f`, it ends where the online run ends: transaction marks, scripts and ledger entries are the same.
#pragma once

#include <string>

#include "migrations/history.h"
#include "migrations/ledger.h"
#include "migrations/runner.h"

namespace migproof {

// Stops at the first error, and makes the ledger where it is missing. With a `lock` that nobody can guess (letters and
// digits) psql runs no meta-command behind the header, whatever the script says: \restrict, which psql of August 2025
// and later knows.
std::string OfflineHeader(const Ledger& ledger, const std::string& lock = "");

// One step; Error(usage) for the downgrade of a revision that has none.
std::string OfflineStep(const Step& step, const History& history, const Ledger& ledger, const RunnerOptions& options);

// The ledger from `before` to `after`, no script.
std::string OfflineStamp(const History::Applied& before, const History::Applied& after, const History& history,
                         const Ledger& ledger);

}  // namespace migproof
