// Values of enums some of whose labels an upgrade has given other names, under the names that they had before: what
// has the label that it had then was kept.
//
//   const OldLabelsByTable relabelled = Relabelled(*before.catalog, *upgraded.catalog, tables);
//   trial.CompareRows(before, UnderOldLabels(relabelled, upgraded), tables);
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/catalog/catalog.h"
#include "harness/verify/trial.h"

namespace migproof {

// Old and new names, in the order in which a script gives them by RENAME VALUE 'old' TO 'new', also in what it
// EXECUTEs.
using Renamings = std::vector<std::pair<std::string, std::string>>;
Renamings SaidRenamings(const std::string& script);

// The old names of labels, by the new ones: those of `said` that are true of these labels, and others told by their
// place. There, a label has another name where one is gone and a new one stands between the same neighbours: {"low",
// "high"} and {"low", "top"} give {{"top", "high"}}. At the end, those come first that have a new name. Where fewer
// came to a place than went from it, or elsewhere more, and where the labels that stayed stand in another order,
// nothing is known by place.
std::map<std::string, std::string> RenamedLabels(const std::vector<std::string>& before,
                                                 const std::vector<std::string>& after, const Renamings& said = {});

struct OldLabels {
  std::map<std::string, std::string> names;  // by the new ones
  bool in_array = false;
};

using OldLabelsByTable = std::map<std::string, std::map<std::string, OldLabels>>;  // by table and column

// The columns of `tables` that are of an enum with renamed labels, of a domain over one, or of an array of either.
OldLabelsByTable Relabelled(const Catalog& before, const Catalog& after, const std::set<std::string>& tables,
                            const Renamings& said);

// `upgraded` with the old labels in those columns.
Observation UnderOldLabels(const OldLabelsByTable& relabelled, const Observation& upgraded);

}  // namespace migproof
