#include "harness/data/aim_tools.h"
#include "harness/data/column_generator.h"

namespace migproof {

namespace {

class NewCheck : public Aim {
 public:
  std::string_view Summary() const override {
    return "a new CHECK meets values on both sides of it, NULL, and what lies at the ends of the types";
  }

  void Propose(const AimInput& input, Targets& targets) const override {
    Proposal proposal(input, targets);
    for (const NewRule& rule : NewRules(input, "check constraint")) {
      Random random = AimRandom("new_check");
      const CheckColumns columns = CheckColumnsOf(input.before, rule.table);
      const CheckSolver solver({rule.definition});
      proposal.Rows(rule.table, solver.Counters(columns, {}, random));
      constexpr int kPassing = 2;
      for (int i = 0; i < kPassing; ++i) {
        if (const auto row = solver.Solve(columns, {}, random)) proposal.Rows(rule.table, {*row});
      }
      for (const std::string& column : solver.columns()) {
        const auto found = columns.find(column);
        if (found == columns.end()) continue;
        proposal.Null(rule.table, column);
        PutEnds(proposal, rule.table, column, found->second.type, solver);
      }
    }
  }

 private:
  // What the type's own edges hold against it: NaN, the infinities, the longest text.
  static void PutEnds(Proposal& proposal, const std::string& table, const std::string& column, const ColumnType& type,
                      const CheckSolver& solver) {
    constexpr std::size_t kMost = 12;
    std::size_t put = 0;
    const CheckColumns columns = {{column, {type, true}}};
    for (const std::string& edge : GeneratorFor(type).Edges(type)) {
      if (solver.Judge(columns, {{column, edge}}) == CheckVerdict::kPasses) continue;
      if (++put > kMost) return;
      proposal.Row(table, {{column, edge}});
    }
  }
};

const Registered<Aim, NewCheck> kNewCheck("new_check");

}  // namespace

}  // namespace migproof
