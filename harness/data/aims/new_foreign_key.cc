#include "harness/data/aim_tools.h"
#include "harness/data/definition_text.h"

namespace migproof {

namespace {

class NewForeignKey : public Aim {
 public:
  std::string_view Summary() const override {
    return "a new foreign key meets rows that refer to nothing; under MATCH FULL, half a reference too";
  }

  void Propose(const AimInput& input, Targets& targets) const override {
    Proposal proposal(input, targets);
    for (const NewRule& rule : NewRules(input, "foreign key")) {
      std::size_t end = 0;
      Targets::TableTargets::Orphan orphan;
      orphan.columns = SplitAtCommas(Parenthesised(rule.definition, 0, &end));
      const std::size_t references = rule.definition.find("REFERENCES ", end);
      if (references == std::string::npos) continue;
      const std::size_t open = FindOutside(rule.definition, "(", references + 11);
      if (open == std::string::npos) continue;
      orphan.other_table = rule.definition.substr(references + 11, open - references - 11);
      orphan.other_columns = SplitAtCommas(Parenthesised(rule.definition, open));
      if (rule.definition.find("MATCH FULL") != std::string::npos && orphan.columns.size() > 1) {
        for (const std::string& column : orphan.columns) proposal.Row(rule.table, {{column, std::nullopt}});
      }
      proposal.Orphan(rule.table, std::move(orphan));
    }
  }
};

const Registered<Aim, NewForeignKey> kNewForeignKey("new_foreign_key");

}  // namespace

}  // namespace migproof
