#include <algorithm>

#include "harness/data/aim_tools.h"
#include "harness/data/check_values.h"
#include "harness/data/definition_text.h"

namespace migproof {

namespace {

using Twins = Targets::TableTargets::Twins;

// Two that overlap, neither the same.
std::pair<std::string, std::string> Overlapping(const ColumnType& range) {
  const ColumnType& subtype = Unwrapped(*range.element);
  if (IsNumber(subtype)) return {"[1,5)", "[3,8)"};
  if (FamilyOf(subtype) == ValueFamily::kDate) return {"[2024-01-01,2024-02-01)", "[2024-01-15,2024-03-01)"};
  return {"[\"2024-01-01 00:00:00\",\"2024-01-01 12:00:00\")", "[\"2024-01-01 11:59:59\",\"2024-01-02 00:00:00\")"};
}

bool IsRange(const ColumnType& type) {
  return type.form == ColumnType::Form::kRange && type.element != nullptr &&
         (IsNumber(*type.element) || FamilyOf(*type.element) == ValueFamily::kDate ||
          FamilyOf(*type.element) == ValueFamily::kTimestamp);
}

class NewExclusion : public Aim {
 public:
  std::string_view Summary() const override {
    return "a new exclusion constraint meets rows that it would not hold beside each other";
  }

  void Propose(const AimInput& input, Targets& targets) const override {
    Proposal proposal(input, targets);
    for (const NewRule& rule : NewRules(input, "exclusion constraint")) {
      const CheckColumns types = CheckColumnsOf(input.before, rule.table);
      const std::vector<std::string> columns = ColumnsOf(input.before, rule.table);
      Twins same;
      Twins overlapping;
      for (const std::size_t at : MentionedColumns(rule.definition, columns)) {
        const ColumnType& type = Unwrapped(types.at(columns[at]).type);
        if (IsRange(type)) {
          const auto [one, other] = Overlapping(type);
          overlapping.first.push_back({columns[at], one});
          overlapping.second.push_back({columns[at], other});
        } else {
          overlapping.agree.push_back(columns[at]);
        }
        if (!Differs(rule.definition, columns[at])) same.agree.push_back(columns[at]);
      }
      if (same.agree.empty()) continue;
      AddPairs(columns, types, same, rule, proposal);
      proposal.Agree(rule.table, same.agree);
      if (!overlapping.first.empty()) proposal.Twins(rule.table, std::move(overlapping));
    }
  }

 private:
  // "room WITH <>": rows with the same value there are no conflict.
  static bool Differs(const std::string& definition, const std::string& column) {
    return definition.find(column + " WITH <>") != std::string::npos;
  }

  // A range made of two columns, tstzrange(begins, ends): those that overlap need ends behind their beginnings.
  static void AddPairs(const std::vector<std::string>& columns, const CheckColumns& types, const Twins& same,
                       const NewRule& rule, Proposal& proposal) {
    const std::size_t call = rule.definition.find("range(");
    if (call == std::string::npos) return;
    std::vector<std::string> ends;
    for (const std::string& part : SplitAtCommas(Parenthesised(rule.definition, call))) {
      if (std::find(columns.begin(), columns.end(), part) != columns.end()) ends.push_back(part);
    }
    if (ends.size() != 2) return;
    const bool numbers = IsNumber(types.at(ends[0]).type);
    Twins twins;
    twins.first = {{ends[0], numbers ? "1" : "2024-01-01"}, {ends[1], numbers ? "5" : "2024-02-01"}};
    twins.second = {{ends[0], numbers ? "3" : "2024-01-15"}, {ends[1], numbers ? "8" : "2024-03-01"}};
    std::copy_if(same.agree.begin(), same.agree.end(), std::back_inserter(twins.agree),
                 [&](const auto& column) { return column != ends[0] && column != ends[1]; });
    proposal.Twins(rule.table, std::move(twins));
  }
};

const Registered<Aim, NewExclusion> kNewExclusion("new_exclusion");

}  // namespace

}  // namespace migproof
