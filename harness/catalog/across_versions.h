// Catalogs of servers of different major versions: what they differ in because the servers do, not the databases.
//
//   const Catalog older = AsOn(13, catalog_of_17, 17);       // what a server 13 could say of it
//   if (RendersAlike(session_13, session_17, difference)) ...   // the same view, printed in another way
#pragma once

#include "harness/catalog/catalog.h"
#include "harness/catalog/drift.h"
#include "migrations/session.h"

namespace migproof {

// `catalog`, read on a server of major `major`, without what servers of the older major `oldest` have no words for:
// attributes that came later, the privilege MAINTAIN (17), names of NOT NULL constraints (18), who granted a membership
// (16); and without the versions of extensions, which every major has its own of. Nothing happens where oldest ==
// major, extensions apart.
Catalog AsOn(int oldest, const Catalog& catalog, int major);

// Whether a changed text ("definition", "default" ...) is the same on both servers but for how each prints it (the
// prefixes of a view's columns, EXTRACT for date_part): one server is given the other's text, and prints what it has
// itself. `was` and `is` are connections to the two databases of the difference, outside of a transaction; nothing of
// them is changed.
bool RendersAlike(Session& was, Session& is, const Difference& difference);

}  // namespace migproof
