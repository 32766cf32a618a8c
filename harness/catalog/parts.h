// Which objects are parts of others, so that a dropped table is one difference and not one per column.
#pragma once

#include "harness/catalog/catalog.h"

namespace migproof {

// Whether `key` (an object of `here` that `there` has not) belongs to an object of `here` that `there` has not either:
// a column of a dropped table, the index of a dropped constraint, the comment or privilege of a dropped function.
bool GoesWithItsWhole(const ObjectKey& key, const CatalogObject& object, const Catalog& here, const Catalog& there);

}  // namespace migproof
