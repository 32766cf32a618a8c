#include "harness/data/aim_tools.h"
#include "harness/data/check_values.h"

namespace migproof {

namespace {

class Arithmetic : public Aim {
 public:
  std::string_view Summary() const override {
    return "columns that a statement computes with hold the limits of their type, zero, one below it, and NULL";
  }

  void Propose(const AimInput& input, Targets& targets) const override {
    Proposal proposal(input, targets);
    const std::set<std::string> numbered = NumberedColumns(input);
    for (const NamedColumns& named : NamedInStatements(input)) {
      if (!named.calculates) continue;
      const CheckColumns columns = CheckColumnsOf(input.before, named.table);
      for (const std::string& column : named.columns) {
        const ColumnType& type = Unwrapped(columns.at(column).type);
        if (!IsNumber(type)) continue;
        proposal.Null(named.table, column);
        const bool counts_up = numbered.contains(named.table + "." + column);
        for (const char* value : {"0", "-1", "1", "32767", "-32768", "2147483647", "-2147483648", "9223372036854775807",
                                  "-9223372036854775808"}) {
          if (counts_up && IsBelowOne(value)) continue;
          if (Fits(type, value)) proposal.Row(named.table, {{column, value}});
        }
      }
    }
  }
};

const Registered<Aim, Arithmetic> kArithmetic("arithmetic");

}  // namespace

}  // namespace migproof
