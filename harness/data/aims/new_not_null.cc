#include <map>

#include "harness/data/aim_tools.h"

namespace migproof {

namespace {

class NewNotNullColumns : public Aim {
 public:
  std::string_view Summary() const override {
    return "a column that becomes NOT NULL meets NULL, together with NULL in whatever it is filled from";
  }

  void Propose(const AimInput& input, Targets& targets) const override {
    Proposal proposal(input, targets);
    std::map<std::string, std::set<std::string>> nulls;
    for (const NewNotNull& column : ColumnsNowNotNull(input)) {
      proposal.Null(column.table, column.column);
      nulls[column.table].insert(column.column);
    }
    AddSources(input, nulls);
    for (const auto& [table, columns] : nulls) {
      std::vector<Targets::Value> row;
      for (const std::string& column : columns) row.push_back({column, std::nullopt});
      proposal.Row(table, std::move(row));
    }
  }

 private:
  // Nullable columns that a statement names beside one that becomes, or is new and, NOT NULL.
  static void AddSources(const AimInput& input, std::map<std::string, std::set<std::string>>& nulls) {
    for (const NamedColumns& named : NamedInStatements(input)) {
      if (!nulls.contains(named.table) && !AddsNotNull(input, named.table)) continue;
      for (const std::string& column : named.columns) {
        const CatalogObject& object = *FindColumn(input.before, named.table, column);
        if (AttributeOf(object, "not_null") == "false" && !object.attributes.contains("generated")) {
          nulls[named.table].insert(column);
        }
      }
    }
  }

  static bool AddsNotNull(const AimInput& input, const std::string& table) {
    for (const Difference& difference : input.drift) {
      if (difference.object.kind != "column" || difference.change != Difference::Change::kExtra) continue;
      if (difference.relation != table) continue;
      const CatalogObject* object = input.after.Find("column", difference.object.name);
      if (object != nullptr && AttributeOf(*object, "not_null") != "false") return true;
    }
    return false;
  }
};

const Registered<Aim, NewNotNullColumns> kNewNotNull("new_not_null");

}  // namespace

}  // namespace migproof
