// Values of columns that an upgrade gives another type, as they are after it in the type that they had before: what is
// the same value then was kept.
//
//   std::map<std::string, std::string> casts;
//   std::set<std::string> uncast;
//   const TypesByTable retyped = Retyped(trial, *before.catalog, *upgraded.catalog, tables);
//   const Observation seen = CastBack(trial, retyped, upgraded, casts, uncast);
//   trial.CompareRows(before, seen, tables);
//   trial.SuspectCasts(casts);
#pragma once

#include <map>
#include <set>
#include <string>

#include "harness/catalog/catalog.h"
#include "harness/verify/trial.h"

namespace migproof {

// The types before, by table and column.
using TypesByTable = std::map<std::string, std::map<std::string, std::string>>;

// Of the columns of `tables`, those whose type differs, but for what the revision declares to lose or to change.
TypesByTable Retyped(const Trial& trial, const Catalog& before, const Catalog& after,
                     const std::set<std::string>& tables);

// `upgraded`, the database after {kUpgrade}, with those values cast; where there is no way back, they count as the text
// they are. `casts` gets the type by column ("public.orders.note"), as a Suspicion holds it, and `uncast` the columns
// that there is no way back for.
Observation CastBack(Trial& trial, const TypesByTable& by_table, const Observation& upgraded,
                     std::map<std::string, std::string>& casts, std::set<std::string>& uncast);

// Of the columns in `uncast`, booleans that hold the same values under other names (IsTranslated), as labels of an
// enum, and text that has become bytes and is still the same (IsTextAsBytes). All others are compared as they are.
std::set<std::string> Translated(const Observation& before, const Observation& upgraded,
                                 const std::set<std::string>& uncast);

}  // namespace migproof
