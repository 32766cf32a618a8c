#include "harness/data/aim_tools.h"

namespace migproof {

namespace {

class AddedColumn : public Aim {
 public:
  std::string_view Summary() const override {
    return "a column that is added meets rows that are there already: two, in case they must differ in it";
  }

  void Propose(const AimInput& input, Targets& targets) const override {
    Proposal proposal(input, targets);
    for (const Difference& difference : input.drift) {
      const bool added = difference.object.kind == "column" && difference.change == Difference::Change::kExtra;
      if (added && !difference.note) proposal.TwoRows(difference.relation);
    }
  }
};

const Registered<Aim, AddedColumn> kAddedColumn("added_column");

}  // namespace

}  // namespace migproof
