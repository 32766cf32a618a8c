// What to write into a revision that means to lose rows or values.
#pragma once

#include <set>
#include <string>

namespace migproof {

// `lost` are columns whose values changed ("public.orders.note"), tables whose rows went ("public.orders") and
// sequences that fell back ("sequence public.s"), all of tables in `tables`. The declarations to paste, of the kind
// `kind` where values changed; "" where nothing was lost.
std::string LossHint(const std::set<std::string>& lost, const std::set<std::string>& tables, const std::string& kind);

}  // namespace migproof
