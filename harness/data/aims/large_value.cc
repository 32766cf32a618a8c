#include "harness/data/aim_tools.h"
#include "harness/data/check_values.h"
#include "harness/data/definition_text.h"
#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

constexpr std::size_t kTooLong = 2'800;  // a btree takes no entry longer than a third of a page: 2,704 bytes

class LargeValue : public Aim {
 public:
  std::string_view Summary() const override {
    return "a new index meets a value too long for it, in a column that has no bound";
  }
  bool ComesLate() const override { return true; }

  void Propose(const AimInput& input, Targets& targets) const override {
    Proposal proposal(input, targets);
    for (const char* kind : {"index", "unique constraint", "primary key"}) {
      for (const NewRule& rule : NewRules(input, kind)) {
        const std::size_t method = FindOutside(rule.definition, " USING ");
        if (method != std::string::npos && rule.definition.compare(method, 13, " USING btree ") != 0) continue;
        const CheckColumns types = CheckColumnsOf(input.before, rule.table);
        const std::vector<std::string> columns = ColumnsOf(input.before, rule.table);
        const std::string_view keys =
            std::string_view(rule.definition).substr(method == std::string::npos ? 0 : method);
        for (const std::size_t at : MentionedColumns(keys, columns)) {
          const std::string value = TooLongFor(Unwrapped(types.at(columns[at]).type));
          if (!value.empty()) proposal.Row(rule.table, {{columns[at], value}});
        }
      }
    }
  }

 private:
  static std::string TooLongFor(const ColumnType& type) {
    const std::string text = IncompressibleText(kTooLong);
    if (IsText(type)) return Fits(type, text) ? text : "";
    if (type.base == "bytea") return text;
    if (type.base == "jsonb") return InDoubleQuotes(text);
    if (type.form == ColumnType::Form::kArray && type.element && IsText(*type.element) && Fits(*type.element, text)) {
      return "{" + text + "}";
    }
    return "";
  }
};

const Registered<Aim, LargeValue> kLargeValue("large_value");

}  // namespace

}  // namespace migproof
