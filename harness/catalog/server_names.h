// Names that the server chose: for constraints, indexes and sequences that a script leaves unnamed.
//
//   Compare(WithLevelNames(one), WithLevelNames(other));
//
// The server numbers them in the order in which they came ("orders_check", "orders_check1"; manual, CREATE TABLE and
// CREATE INDEX, "name"), so two databases may hold the same under exchanged names. Which names were chosen by it is not
// recorded: those that look like it are taken for such.
#pragma once

#include "harness/catalog/catalog.h"

namespace migproof {

// The catalog with these names numbered by what they define instead, wherever they are spoken of: equal for databases
// that hold the same.
Catalog WithLevelNames(const Catalog& catalog);

}  // namespace migproof
