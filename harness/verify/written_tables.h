// Which tables an upgrade writes to by name.
#pragma once

#include <set>
#include <string>

#include "harness/catalog/catalog.h"
#include "migrations/revision.h"

namespace migproof {

// "orders" for public."Orders": without namespace and quotes, in lower case.
std::string BareName(const std::string& qualified);

// The names (without namespace, lower case) that stand where a statement names what it writes to. Code in DO blocks and
// functions is text to us: a name too many only means that a table is not looked at.
std::set<std::string> WrittenIn(const std::string& text);

// Whether `word`, in lower case, stands in `text`, also in lower case.
bool HoldsWord(const std::string& text, const std::string& word);

// What the upgrade inserts into, updates, deletes from, truncates, merges or copies into, as bare names: by its own
// statements, by the functions that they name, and so on. `before` and `after` hold the functions' definitions.
std::set<std::string> WrittenTables(const Revision& revision, const Catalog& before, const Catalog& after);

// Whether the section writes to a table of `catalog` whose foreign keys are checked at the end of a transaction. In the
// one that has inserted a row every UPDATE of it waits for that check, and ALTER TABLE does not run before.
bool WritesBelowDeferredKeys(const Section& section, const Catalog& catalog);

}  // namespace migproof
