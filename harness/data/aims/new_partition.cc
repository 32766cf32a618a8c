#include <fmt/format.h>

#include "harness/data/aim_tools.h"
#include "harness/data/partition_bound.h"

namespace migproof {

namespace {

std::string Inside(const std::string& check) { return check.substr(std::string_view("CHECK ").size()); }

class NewPartition : public Aim {
 public:
  std::string_view Summary() const override {
    return "a partition that is new meets rows of the default partition that are its own, rows outside its bound, and "
           "rows that no partition takes";
  }

  void Propose(const AimInput& input, Targets& targets) const override {
    Proposal proposal(input, targets);
    for (const std::string& name : input.after.Names("table")) {
      const std::string bound = input.after.Attribute("table", name, "partition_bound");
      if (bound.empty() || input.before.Attribute("table", name, "partition_bound") == bound) continue;
      const std::string parent = input.after.Attribute("table", name, "inherits");
      const auto check = PartitionCheck(input.after.Attribute("table", parent, "partition_key"), bound);
      if (!check) continue;
      Random random = AimRandom("new_partition");
      const CheckSolver solver({*check});
      PutInside(input, parent, solver, random, proposal);
      PutOutside(input, name, solver, random, proposal);
    }
    PutNowhere(input, proposal);
  }

 private:
  // Rows of a parent that has them elsewhere so far: in its default partition.
  static void PutInside(const AimInput& input, const std::string& parent, const CheckSolver& solver, Random& random,
                        Proposal& proposal) {
    constexpr int kRows = 3;
    if (input.before.Find("table", parent) == nullptr) return;
    for (int i = 0; i < kRows; ++i) {
      if (const auto row = solver.Solve(CheckColumnsOf(input.before, parent), {}, random)) {
        proposal.Rows(parent, {*row});
      }
    }
  }

  // Rows of a table that becomes a partition.
  static void PutOutside(const AimInput& input, const std::string& table, const CheckSolver& solver, Random& random,
                         Proposal& proposal) {
    if (input.before.Find("table", table) == nullptr) return;
    proposal.Rows(table, solver.Counters(CheckColumnsOf(input.before, table), {}, random));
    for (const std::string& column : solver.columns()) proposal.Null(table, column);
  }

  // A table that is partitioned now and was not, or has lost a partition: rows that none of its partitions takes. The
  // rows may come from any table that has the columns and is named beside it.
  static void PutNowhere(const AimInput& input, Proposal& proposal) {
    for (const std::string& name : input.after.Names("table")) {
      const std::string key = input.after.Attribute("table", name, "partition_key");
      if (key.empty()) continue;
      std::string any;
      bool all_known = true;
      bool changed = input.before.Attribute("table", name, "partition_key") != key;
      for (const std::string& part : input.after.Names("table")) {
        if (input.after.Attribute("table", part, "inherits") != name) continue;
        const auto check = PartitionCheck(key, input.after.Attribute("table", part, "partition_bound"));
        all_known = all_known && check.has_value();
        if (check) any += fmt::format("{}{}", any.empty() ? "" : " OR ", Inside(*check));
      }
      for (const std::string& part : input.before.Names("table")) {
        const bool gone = input.after.Attribute("table", part, "inherits") != name;
        changed = changed || (gone && input.before.Attribute("table", part, "inherits") == name);
      }
      if (!changed || !all_known || any.empty()) continue;
      PutCounters(input, name, fmt::format("CHECK (({}))", any), proposal);
    }
  }

  static void PutCounters(const AimInput& input, const std::string& table, const std::string& check,
                          Proposal& proposal) {
    const CheckSolver solver({check});
    for (const std::string& source : TouchedTables(input)) {
      const CheckColumns columns = CheckColumnsOf(input.before, source);
      bool has_all = true;
      for (const std::string& column : solver.columns()) has_all = has_all && columns.contains(column);
      if (!has_all || (source != table && input.before.Find("table", table) != nullptr &&
                       input.before.Attribute("table", table, "partition_key").empty() == false)) {
        continue;
      }
      Random random = AimRandom("new_partition");
      proposal.Rows(source, solver.Counters(columns, {}, random));
      for (const std::string& column : solver.columns()) proposal.Null(source, column);
    }
  }
};

const Registered<Aim, NewPartition> kNewPartition("new_partition");

}  // namespace

}  // namespace migproof
