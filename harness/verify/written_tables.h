// Which tables an upgrade writes to by name.
#pragma once

#include <set>
#include <string>

#include "harness/catalog/catalog.h"
#include "migrations/revision.h"

namespace migproof {

// "orders" for public."Orders": without namespace and quotes, in lower case.
std::string BareName(const std::string& qualified);

// What the upgrade inserts into, updates, deletes from, truncates, merges or copies into, as bare names: by its own
// statements, by the functions that they name, and so on. `before` and `after` hold the functions' definitions.
std::set<std::string> WrittenTables(const Revision& revision, const Catalog& before, const Catalog& after);

}  // namespace migproof
