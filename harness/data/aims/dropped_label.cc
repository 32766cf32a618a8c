#include <algorithm>

#include "harness/data/aim_tools.h"
#include "harness/data/check_values.h"
#include "harness/data/literal_parts.h"

namespace migproof {

namespace {

const ColumnType& EnumOf(const ColumnType& type) {
  const ColumnType& plain = Unwrapped(type);
  return plain.form == ColumnType::Form::kArray && plain.element ? Unwrapped(*plain.element) : plain;
}

class DroppedLabel : public Aim {
 public:
  std::string_view Summary() const override { return "a label that an enum loses is in use"; }

  void Propose(const AimInput& input, Targets& targets) const override {
    Proposal proposal(input, targets);
    for (const ColumnChange& change : ChangedTypes(input)) {
      Put(proposal, change.table, change.column, change.was, EnumOf(change.is));
    }
    for (const Difference& difference : input.drift) {
      if (difference.object.kind != "enum" || difference.change == Difference::Change::kExtra) continue;
      const ColumnType is = ResolveType(input.after, difference.object.name);
      for (const auto& [key, object] : input.before.objects()) {
        if (key.kind != "column" || !AttributeOf(object, "type").starts_with(difference.object.name)) continue;
        const ColumnType was = ResolveType(input.before, AttributeOf(object, "type"));
        if (EnumOf(was).name == difference.object.name) {
          Put(proposal, object.relation, ColumnName(key, object), was, is);
        }
      }
    }
  }

 private:
  // Labels that `is` has not; of a type that is gone, all.
  static void Put(Proposal& proposal, const std::string& table, const std::string& column, const ColumnType& was,
                  const ColumnType& is) {
    const ColumnType& old = EnumOf(was);
    if (old.form != ColumnType::Form::kEnum) return;
    for (const std::string& label : old.labels) {
      if (std::find(is.labels.begin(), is.labels.end(), label) != is.labels.end()) continue;
      const bool array = Unwrapped(was).form == ColumnType::Form::kArray;
      proposal.Row(table, {{column, array ? ArrayOf({label}, ',') : label}});
    }
  }
};

const Registered<Aim, DroppedLabel> kDroppedLabel("dropped_label");

}  // namespace

}  // namespace migproof
