// Values of enums some of whose labels an upgrade has given other names, under the names that they had before: what
// has the label that it had then was kept.
//
//   const OldLabelsByTable relabelled = Relabelled(*before.catalog, *upgraded.catalog, tables);
//   trial.CompareRows(before, UnderOldLabels(relabelled, upgraded), tables);
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/catalog/catalog.h"
#include "harness/verify/trial.h"

namespace migproof {

// The old names of labels, by the new ones. A label has another name where one is gone and a new one stands in its
// place, between the same neighbours: {"low", "high"} and {"low", "top"} give {{"top", "high"}}. At the end, those come
// first that have a new name. Where fewer came to a place than went from it, or elsewhere more, and where the labels
// that stayed stand in another order, nothing is known.
std::map<std::string, std::string> RenamedLabels(const std::vector<std::string>& before,
                                                 const std::vector<std::string>& after);

struct OldLabels {
  std::map<std::string, std::string> names;  // by the new ones
  bool in_array = false;
};

using OldLabelsByTable = std::map<std::string, std::map<std::string, OldLabels>>;  // by table and column

// The columns of `tables` that are of an enum with renamed labels, of a domain over one, or of an array of either.
OldLabelsByTable Relabelled(const Catalog& before, const Catalog& after, const std::set<std::string>& tables);

// `upgraded` with the old labels in those columns.
Observation UnderOldLabels(const OldLabelsByTable& relabelled, const Observation& upgraded);

}  // namespace migproof
