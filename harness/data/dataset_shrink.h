// Simpler datasets than one that is known to show something.
#pragma once

#include <vector>

#include "harness/data/dataset.h"
#include "harness/data/existing_rows.h"
#include "harness/data/table_model.h"

namespace migproof {

// Most promising first: without half the tables, without a table, without half the rows of one, without a row, with a
// NULL, with a simpler value, with a column left to its default. Rows that refer to what is gone go too; cells that
// refer to a key that changes change with it. What a key or CHECK certainly refuses is left out. Repeated, it ends:
// rows and columns only become fewer, and cells simpler.
std::vector<Dataset> ShrinkDataset(const TableModels& models, const ExistingRows& existing, const Dataset& dataset);

}  // namespace migproof
