#include "harness/verify/run_differences.h"

#include <algorithm>

namespace migproof {

RunDifferences CompareRuns(const Observation& was, const Observation& is, const Observation& again,
                           const std::set<std::string>& leave_out, const UnstableColumns& known) {
  RunDifferences differences;
  const std::vector<Difference> unstable = Compare(*was.catalog, *again.catalog).differences;
  for (Difference& difference : Compare(*was.catalog, *is.catalog).differences) {
    const bool moves = std::any_of(unstable.begin(), unstable.end(), [&](const Difference& other) {
      return other.object == difference.object && other.attribute == difference.attribute;
    });
    if (!difference.note && !moves) differences.drift.push_back(std::move(difference));
  }
  UnstableColumns columns = UnstableBetween(*was.rows, *again.rows);
  columns.insert(known.begin(), known.end());
  differences.rows = CompareRowsOfSharedTables(was, is, columns, leave_out);
  return differences;
}

}  // namespace migproof
