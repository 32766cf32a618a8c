// Which kinds of objects a database holds, asked without the catalog's queries: proof that their reader is not blind.
//
//   const Census census = TakeCensus(session, ledger->Tables());
//   for (const std::string& kind : Unseen(census, catalog)) complain(kind);
//
// A comparison that drops a kind finds nothing, and finding nothing looks like a law that holds.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "harness/catalog/catalog.h"
#include "migrations/session.h"

namespace migproof {

// Kinds of which there is at least one object that counts: not the server's own, no extension's, not temporary, not
// one of `leave_out` (qualified names of tables). Asked so that a kind may be missed, but is never made up.
using Census = std::set<std::string>;

Census TakeCensus(Session& session, const std::vector<std::string>& leave_out);

// The kinds in `census` of which `catalog` has not one object.
std::vector<std::string> Unseen(const Census& census, const Catalog& catalog);

}  // namespace migproof
