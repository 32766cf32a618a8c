#include "harness/verify/gap.h"

#include <algorithm>

#include "harness/catalog/server_names.h"
#include "harness/data/table_model.h"

namespace migproof {

namespace {

std::vector<Difference> DifferencesOf(const Catalog& one, const Catalog& other, const Unsteady& unsteady) {
  std::vector<Difference> differences = Compare(one, other).Findings();
  if (!differences.empty()) differences = Compare(WithLevelNames(one), WithLevelNames(other)).Findings();
  std::erase_if(differences, [&](const Difference& d) { return unsteady.objects.contains(d.object); });
  return differences;
}

// With the columns that refer to a column of it by a foreign key: they hold the same numbers.
UnstableColumns WithReferences(UnstableColumns columns, const Catalog& catalog) {
  const TableModels models(catalog);
  for (bool grows = true; grows;) {
    grows = false;
    for (const auto& [name, table] : models.all()) {
      for (const ForeignKeyModel& key : table.foreign_keys) {
        for (std::size_t i = 0; i < key.columns.size() && i < key.other_columns.size(); ++i) {
          if (!columns.contains(key.table + "." + key.other_columns[i])) continue;
          grows |= columns.insert(name + "." + table.columns[key.columns[i]].name).second;
        }
      }
    }
  }
  return columns;
}

}  // namespace

Observation WithoutLedger(Observation seen) {
  const auto is_listed = [&](const auto& sequence) {
    return seen.catalog->Find("sequence", sequence.first) != nullptr;
  };
  const auto& sequences = seen.rows->sequences;
  if (std::all_of(sequences.begin(), sequences.end(), is_listed)) return seen;
  auto rows = std::make_shared<RowSnapshot>(*seen.rows);
  std::erase_if(rows->sequences, [&](const auto& sequence) { return !is_listed(sequence); });
  seen.rows = std::move(rows);
  return seen;
}

Gap GapBetween(const Observation& whole_one, const Observation& whole_other, const Unsteady& unsteady) {
  const Observation one = WithoutLedger(whole_one);
  const Observation other = WithoutLedger(whole_other);
  Gap gap;
  gap.only_one = NewRefusals(one.refusals, other.refusals);
  gap.only_other = NewRefusals(other.refusals, one.refusals);
  if (one.catalog != other.catalog) gap.differences = DifferencesOf(*one.catalog, *other.catalog, unsteady);
  if (*one.rows == *other.rows) return gap;
  UnstableColumns unstable = VolatileDefaults(*one.catalog);
  unstable.insert(unsteady.columns.begin(), unsteady.columns.end());
  unstable = WithReferences(std::move(unstable), *one.catalog);
  gap.rows = CompareRowsOfSharedTables(one, other, unstable);
  // A sequence may have fallen back on the other side.
  if (gap.rows.empty()) gap.rows = CompareRowsOfSharedTables(other, one, unstable);
  return gap;
}

Unsteady UnsteadyBetween(const Observation& once, const Observation& again) {
  Unsteady unsteady;
  unsteady.columns = UnstableBetween(*once.rows, *again.rows);
  for (const Difference& difference : Compare(*once.catalog, *again.catalog).differences) {
    unsteady.objects.insert(difference.object);
  }
  return unsteady;
}

}  // namespace migproof
