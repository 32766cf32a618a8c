#include "harness/verify/unfilled.h"

#include <algorithm>

namespace migproof {

namespace {

bool HasChecks(const std::string& table, const Catalog& catalog) {
  const std::vector<std::string> names = catalog.Names("check constraint");
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return catalog.Find("check constraint", name)->relation == table;
  });
}

Catalog WithoutChecksOf(const std::string& table, const Catalog& catalog) {
  Catalog less = catalog;
  for (const std::string& name : catalog.Names("check constraint")) {
    const ObjectKey key{"check constraint", name};
    if (catalog.Find(key.kind, name)->relation == table) {
      erase_if(less.objects(), [&](const auto& entry) { return entry.first == key; });
    }
  }
  return less;
}

// What becomes of a row that keeps to everything but the table's CHECKs.
TableFill InsertHeedlessly(Session& session, const std::string& table, const Catalog& catalog, const RowSnapshot& base,
                           RowGeneratorOptions options) {
  options.focus = {table};
  options.rows_per_table = 1;
  const RowGenerator heedless(WithoutChecksOf(table, catalog), base, options);
  Random random(0);
  const Transaction transaction(session);  // rolled back
  const InsertResult result = Insert(session, heedless.Draw(random));
  const auto fill = result.tables.find(table);
  return fill == result.tables.end() ? TableFill() : fill->second;
}

}  // namespace

void NoteUnfillable(Session& session, const RowGenerator& generator, const Catalog& catalog, const RowSnapshot& base,
                    const RowGeneratorOptions& options, Coverage& coverage) {
  std::map<std::string, std::string> reasons;
  for (const auto& [table, reason] : generator.unfillable()) {
    const std::string prefix = table + ": ";
    reasons[table] = reason.starts_with(prefix) ? reason.substr(prefix.size()) : reason;
    if (!HasChecks(table, catalog)) continue;
    TableFill fill = InsertHeedlessly(session, table, catalog, base, options);
    if (fill.inserted == 0) coverage.AddRefusals(table, fill);
  }
  coverage.AddUnfillable(reasons);
}

}  // namespace migproof
