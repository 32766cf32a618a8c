#include <algorithm>
#include <set>

#include "harness/data/aim_tools.h"
#include "harness/data/check_values.h"
#include "harness/data/definition_text.h"

namespace migproof {

namespace {

using ValuePair = std::pair<Cell, Cell>;

// Every two of the values that an UPDATE names, each with NULL, and two NULLs: it may make the one of the other.
std::vector<ValuePair> PairsOf(std::vector<std::string> values, bool nullable) {
  constexpr std::size_t kMost = 5;
  if (values.size() > kMost) values.resize(kMost);
  std::vector<ValuePair> pairs;
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = i + 1; j < values.size(); ++j) pairs.emplace_back(values[i], values[j]);
    if (nullable) pairs.emplace_back(values[i], std::nullopt);
  }
  if (nullable) pairs.emplace_back(std::nullopt, std::nullopt);
  return pairs;
}

std::vector<ValuePair> PairsFor(const NamedColumns& named, const CheckColumn& column, bool counts_up) {
  const ColumnType& type = Unwrapped(column.type);
  std::vector<ValuePair> pairs;
  // A key is checked row by row: the first moves on to where the second still is.
  if (IsNumber(type) && named.calculates) pairs = {{"1", "2"}, {"2", "1"}};
  std::vector<std::string> values = IsNumber(type) ? named.numbers : named.literals;
  std::erase_if(values,
                [&](const std::string& value) { return !Fits(type, value) || (counts_up && IsBelowOne(value)); });
  const std::vector<ValuePair> named_pairs = PairsOf(std::move(values), column.nullable);
  pairs.insert(pairs.end(), named_pairs.begin(), named_pairs.end());
  return pairs;
}

// The columns of a unique index, those of expressions and of its WHERE as well.
std::set<std::string> KeyColumns(const std::string& definition, const std::vector<std::string>& columns) {
  std::set<std::string> key;
  const std::size_t method = FindOutside(definition, " USING ");
  if (method == std::string::npos) return key;
  for (const std::size_t at : MentionedColumns(definition.substr(method), columns)) key.insert(columns[at]);
  return key;
}

class MergedValues : public Aim {
 public:
  std::string_view Summary() const override {
    return "rows that differ, in a key that is there, by the values that an UPDATE makes the one of the other";
  }

  void Propose(const AimInput& input, Targets& targets) const override {
    Proposal proposal(input, targets);
    const std::set<std::string> numbered = NumberedColumns(input);
    for (const NamedColumns& named : NamedInStatements(input)) {
      if (!named.words.contains("update")) continue;
      const CheckColumns types = CheckColumnsOf(input.before, named.table);
      const std::vector<std::string> columns = ColumnsOf(input.before, named.table);
      for (const auto& [name, object] : input.before.objects()) {
        if (name.kind != "index" || object.relation != named.table) continue;
        const std::string& definition = AttributeOf(object, "definition");
        if (!definition.starts_with("CREATE UNIQUE INDEX")) continue;
        const std::set<std::string> key = KeyColumns(definition, columns);
        for (const std::string& column : named.columns) {
          if (!key.contains(column)) continue;
          const bool counts_up = numbered.contains(named.table + "." + column);
          for (const auto& [one, other] : PairsFor(named, types.at(column), counts_up)) {
            Targets::TableTargets::Twins twins{{{column, one}}, {{column, other}}, {}};
            std::ranges::copy_if(key, std::back_inserter(twins.agree), [&](const auto& c) { return c != column; });
            proposal.Twins(named.table, std::move(twins));
          }
        }
      }
    }
  }
};

const Registered<Aim, MergedValues> kMergedValues("merged_values");

}  // namespace

}  // namespace migproof
