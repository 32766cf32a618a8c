#include "harness/data/aim_tools.h"
#include "harness/data/check_values.h"
#include "harness/data/column_generator.h"
#include "harness/data/definition_text.h"
#include "harness/data/statement_words.h"

namespace migproof {

namespace {

class DroppedColumn : public Aim {
 public:
  std::string_view Summary() const override {
    return "a column that is dropped, and added again by the way back, holds values other than its default";
  }

  void Propose(const AimInput& input, Targets& targets) const override {
    Proposal proposal(input, targets);
    const std::set<std::string> numbered = NumberedColumns(input);
    for (const Difference& difference : input.drift) {
      if (difference.object.kind != "column" || difference.change != Difference::Change::kMissing) continue;
      const CatalogObject* object = input.before.Find("column", difference.object.name);
      if (object != nullptr) Put(input, object->relation, ColumnName(difference.object, *object), numbered, proposal);
    }
    for (const NamedColumns& named : NamedInStatements(input)) {
      if (!named.words.contains("drop") || !named.words.contains("alter")) continue;
      for (const std::string& column : named.columns) Put(input, named.table, column, numbered, proposal);
    }
  }

 private:
  static void Put(const AimInput& input, const std::string& table, const std::string& column,
                  const std::set<std::string>& numbered, Proposal& proposal) {
    constexpr std::size_t kValues = 3;
    const CatalogObject& object = *FindColumn(input.before, table, column);
    const ColumnType type = ResolveType(input.before, AttributeOf(object, "type"));
    const std::string default_value = LiteralValue(AttributeOf(object, "default"));
    const bool counts_up = numbered.contains(table + "." + column);
    std::size_t put = 0;
    for (const std::string& value : GeneratorFor(type).Edges(type)) {
      if (value == default_value || value == GeneratorFor(type).Simplest(type)) continue;
      if (counts_up && IsBelowOne(value)) continue;
      proposal.Row(table, {{column, value}});
      if (++put == kValues) break;
    }
    if (AttributeOf(object, "not_null") == "false") proposal.Null(table, column);
  }
};

const Registered<Aim, DroppedColumn> kDroppedColumn("dropped_column");

}  // namespace

}  // namespace migproof
