// Simpler datasets than one that is known to show something.
#pragma once

#include <rapidcheck/Seq.h>

#include "harness/data/row_generator.h"

namespace migproof {

// Most promising first: of a large one a small part, without half the tables, without a table, without half the rows of
// one, without a row, with a NULL, with a simpler value, with a column left to its default. Rows that refer to what is
// gone go too; cells that refer to a key that changes change with it. What a key or CHECK certainly refuses is left
// out. Repeated, it ends: rows and columns only become fewer, and cells simpler. What the server then refuses is no
// counterexample. Each is made when asked for, as long as the generator lives.
rc::Seq<Dataset> ShrinksOf(const RowGenerator& generator, const Dataset& dataset);

}  // namespace migproof
