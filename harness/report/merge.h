// The report of a run whose shards ran apart.
//
//   const Report whole = MergeReports({{"1.json", first}, {"2.json", second}});
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "harness/report/report.h"

namespace migproof {

// Error(usage), with the names given, where a shard is missing or comes twice, and where two are not of the same run or
// were not run on the same server: a whole must not look complete when it is not. One report that is whole stays as it
// is.
Report MergeReports(const std::vector<std::pair<std::string, Report>>& shards);

}  // namespace migproof
