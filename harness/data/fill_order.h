// In which order tables are filled: parents before children, tables of a cycle together.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "harness/data/table_model.h"

namespace migproof {

// The tables of `chosen` in groups: each stands behind the groups it refers to; a group of several is a cycle of
// foreign keys. The same set gives the same order.
std::vector<std::vector<const TableModel*>> FillOrder(const TableModels& models, const std::set<std::string>& chosen);

}  // namespace migproof
