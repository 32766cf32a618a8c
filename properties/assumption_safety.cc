// assumption_safety: rows that break what a revision assumes are refused, or come through its upgrade as they were.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "harness/verify/aftermath.h"
#include "harness/verify/assumptions.h"
#include "harness/verify/property.h"
#include "harness/verify/retyped.h"
#include "harness/verify/stale.h"
#include "harness/verify/trial.h"
#include "migrations/step_sql.h"

namespace migproof {

namespace {

class AssumptionSafety : public Property {
 public:
  std::string_view Sentence() const override {
    return "rows that break what a revision assumes are refused with the whole upgrade, or come through it as they "
           "were";
  }
  bool ChecksRevisions() const override { return true; }
  bool ChecksHistory() const override { return false; }
  bool ChecksRows() const override { return true; }
  bool ChecksForbiddenRows() const override { return true; }
  bool NeedsRows() const override { return true; }
  std::vector<std::string> Excuses() const override { return {"loses", "changes", "assumes"}; }
  std::string WhyNotApplicable(const Subject&, const Revision* revision) const override {
    return revision->Declares("assumes") ? "" : "assumes nothing";
  }
  int Rank() const override { return 16; }

  std::optional<Finding> Check(Trial& trial) const override {
    const Observation& before = trial.Before();
    if (!trial.has_rows()) return WithoutRows(trial, before);
    const Observation& upgraded = trial.After({Move::kUpgrade});
    if (!trial.has_forbidden_rows()) {
      if (upgraded.catalog != nullptr) Learn(trial, before, upgraded);
      return std::nullopt;
    }
    if (trial.Forbidden().broken.empty()) return std::nullopt;  // none of them got in
    trial.Exercised("forbidden rows tried", trial.Forbidden().rows.Count());
    return upgraded.refused() ? CheckRefusal(trial, before) : CheckSuccess(trial, before, upgraded);
  }

 private:
  static std::optional<Finding> WithoutRows(Trial& trial, const Observation& before) {
    if (before.catalog == nullptr) return std::nullopt;
    bool any = false;
    for (const Declaration& declaration : trial.revision().declarations) {
      if (declaration.kind != "assumes") continue;
      if (!TableNamed(*before.catalog, AssumedTable(declaration)).empty()) {
        any = true;
      } else {
        trial.Note(fmt::format("'{}': there is no such table before the upgrade", declaration.object));
        if (!MayMatterBefore(trial.subject(), trial.revision(), AssumedTable(declaration))) trial.Stale(declaration);
      }
    }
    if (!any) trial.NotApplicable("no table is there before it that it assumes anything of");
    return std::nullopt;
  }

  // What the upgrade does to rows that keep to what is assumed it may do to the others.
  static void Learn(Trial& trial, const Observation& before, const Observation& upgraded) {
    const std::set<std::string> tables = AssumedTables(trial.revision(), *before.catalog);
    std::map<std::string, std::string> casts;
    std::set<std::string> uncast;
    const Observation seen =
        CastBack(trial, Retyped(trial, *before.catalog, *upgraded.catalog, tables), upgraded, casts, uncast);
    std::set<std::string> lost;
    CompareRowsOfSharedTables(before, seen, {}, ExemptNames(trial, before), tables, true, &lost);
    trial.Rewrites(std::move(lost));
  }

  static std::set<std::string> ExemptNames(const Trial& trial, const Observation& before) {
    std::set<std::string> names;
    for (const auto& [name, declaration] : trial.Exempt(*before.catalog)) names.insert(name);
    return names;
  }

  static std::optional<Finding> CheckSuccess(Trial& trial, const Observation& before, const Observation& upgraded) {
    std::map<std::string, std::string> casts;
    std::set<std::string> uncast;
    const std::set<std::string> tables = AssumedTables(trial.revision(), *before.catalog);
    const Observation seen =
        CastBack(trial, Retyped(trial, *before.catalog, *upgraded.catalog, tables), upgraded, casts, uncast);
    const std::vector<std::string> lines = Altered(trial, before, seen);
    trial.SuspectCasts(casts);
    if (lines.empty()) return std::nullopt;
    Finding finding;
    finding.message =
        fmt::format("the upgrade alters or loses rows that break {}, instead of refusing them", Broken(trial));
    finding.location = WhereBroken(trial);
    finding.evidence = lines;
    finding.hint = "let a constraint or a cast refuse such rows";
    if (const std::string declared = trial.LossHint("changes"); !declared.empty()) {
      finding.hint += "; or, " + declared;
    }
    return finding;
  }

  // The forbidden rows that are not there any more as they were, as evidence lines.
  static std::vector<std::string> Altered(Trial& trial, const Observation& before, const Observation& seen) {
    const ForbiddenRows& forbidden = trial.Forbidden();
    const std::set<std::string> exempt = ExemptNames(trial, before);
    Observation was = before;
    Observation is = seen;
    const auto look = [&](const std::set<std::string>& leave_out) {
      was.rows = std::make_shared<const RowSnapshot>(OnlyForbidden(forbidden, leave_out));
      is.rows =
          std::make_shared<const RowSnapshot>(LessOtherRows(*before.rows, *seen.rows, forbidden, leave_out, exempt));
    };
    if (!trial.Rewritten().empty()) {
      look({});
      std::set<std::string> lost;
      CompareRowsOfSharedTables(was, is, {}, exempt, std::nullopt, true, &lost);
      for (const std::string& name : lost) {
        if (!trial.Rewritten().contains(name)) continue;
        trial.Note(fmt::format("not compared: {}, which the upgrade changes in rows that break nothing, too", name));
      }
    }
    look(trial.Rewritten());
    std::set<std::string> tables;
    for (const auto& [name, rows] : was.rows->tables) tables.insert(name);
    return tables.empty() ? std::vector<std::string>() : trial.CompareRows(was, is, tables, true);
  }

  static std::optional<Finding> CheckRefusal(Trial& trial, const Observation& before) {
    trial.Exercised("upgrades refused");
    const Aftermath* left = trial.Left();
    if (left == nullptr) return std::nullopt;  // inside a transaction that is rolled back
    const Section& upgrade = trial.revision().upgrade.AsSql();
    const bool transactional = upgrade.execution == Execution::kTransaction ||
                               (upgrade.execution == Execution::kOneQuery && !HoldsTransactionControl(upgrade.script));
    trial.Exercised("refusals looked behind");
    Finding finding;
    if (transactional) {
      for (const Difference& difference : trial.Compare(before, left->seen)) {
        finding.drift.push_back(difference.ToLine());
      }
      finding.evidence = CompareRowsOfSharedTables(before, left->seen, {}, {}, std::nullopt, true);
      if (!left->ledger.empty()) finding.evidence.push_back("the ledger says: " + left->ledger);
    } else {
      trial.Note(
          "not one transaction: of what the upgrade leaves where it refuses rows, only those rows were looked at");
      finding.evidence = Altered(trial, before, left->seen);
    }
    if (finding.drift.empty() && finding.evidence.empty()) return std::nullopt;
    finding.message = fmt::format("the upgrade refuses rows that break {}, and leaves {}", Broken(trial),
                                  transactional ? "a part of itself" : "them altered");
    finding.location = WhereBroken(trial);
    finding.hint = "let nothing of the upgrade be kept before the statement that refuses them";
    trial.Suspect({.was = {}, .is = {Move::kUpgrade}, .refused = true, .signature = "left by the refused upgrade"});
    return finding;
  }

  // "'orders: note IS NOT NULL'".
  static std::string Broken(Trial& trial) {
    std::vector<std::string> broken;
    for (const Declaration& declaration : trial.revision().declarations) {
      if (trial.Forbidden().broken.contains(&declaration)) broken.push_back(fmt::format("'{}'", declaration.object));
    }
    return fmt::format("{}", fmt::join(broken, " and "));
  }

  static SourceLocation WhereBroken(Trial& trial) {
    const auto& declarations = trial.revision().declarations;
    const auto first = std::find_if(declarations.begin(), declarations.end(), [&](const Declaration& declaration) {
      return trial.Forbidden().broken.contains(&declaration);
    });
    return first == declarations.end() ? trial.revision().where : first->where;
  }
};

const Registered<Property, AssumptionSafety> kAssumptionSafety("assumption_safety");

}  // namespace

}  // namespace migproof
