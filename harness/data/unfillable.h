// Tables that can't hold a row, as far as their catalog tells.
#pragma once

#include <map>
#include <set>
#include <string>

#include "harness/data/existing_rows.h"
#include "harness/data/table_model.h"

namespace migproof {

// The reason by table, of all but `leave_out` (which gets no rows anyhow): "public.orders: nothing to refer to in
// public.customers".
std::map<std::string, std::string> Unfillable(const TableModels& models, const ExistingRows& existing,
                                              const std::set<std::string>& leave_out);

}  // namespace migproof
