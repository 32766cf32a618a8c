#include "harness/verify/forbidden_tally.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "harness/verify/stale.h"

namespace migproof {

namespace {

// "orders_note, orders_amount": what the table's own rules are called.
std::vector<std::string> ChecksOf(const Catalog& catalog, const std::string& table) {
  std::vector<std::string> names;
  for (const std::string& name : catalog.Names("check constraint")) {
    if (catalog.Find("check constraint", name)->relation != table) continue;
    names.push_back(name.substr(0, name.rfind(" on ")));
  }
  return names;
}

}  // namespace

bool IsExcusedBy(const Property& law, const std::string& kind) {
  const std::vector<std::string> kinds = law.Excuses();
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

ForbiddenTally::ForbiddenTally(CaseGround& ground, const AssumptionsHere& here, const Catalog& before,
                               std::vector<std::string> left_out)
    : ground_(ground), here_(here), before_(before), left_out_(std::move(left_out)) {}

void ForbiddenTally::Add(Case& one) {
  for (const Declaration* broken : one.Forbidden().broken) broken_.insert(broken);
  for (const Assumption& assumption : ground_.own_assumptions()) {
    const auto fill = one.inserted().tables.find(assumption.table);
    if (fill == one.inserted().tables.end()) continue;
    TableFill& sum = refused_[assumption.table];
    for (const auto& [reason, count] : fill->second.refusals) sum.refusals[reason] += count;
    sum.messages.insert(fill->second.messages.begin(), fill->second.messages.end());
  }
}

std::set<const Declaration*> ForbiddenTally::Needed(Case& one, bool finding, const std::vector<NamedLaw>& laws) {
  const std::set<const Declaration*>& broken = one.Forbidden().broken;
  if (std::includes(needed_.begin(), needed_.end(), broken.begin(), broken.end())) return {};
  bool needed = finding || one.After({Move::kUpgrade}).refused();
  for (const NamedLaw& law : laws) {
    if (needed || law.property->ChecksForbiddenRows() || !IsExcusedBy(*law.property, "assumes")) continue;
    Trial trial(ground_.subject(), &ground_.revision(), one);
    needed = law.property->Check(trial).has_value();
  }
  if (!needed) return {};
  needed_.insert(broken.begin(), broken.end());
  return broken;
}

std::string ForbiddenTally::WhyUntried() const {
  std::vector<std::string> untried;
  for (const Declaration& declaration : ground_.revision().declarations) {
    if (declaration.kind != "assumes" || broken_.contains(&declaration)) continue;
    // Where the table is not there, there is nothing to try.
    if (!TableNamed(before_, AssumedTable(declaration)).empty()) untried.push_back(WhyUntried(declaration));
  }
  return fmt::format("{}", fmt::join(untried, "; "));
}

std::string ForbiddenTally::WhyUntried(const Declaration& declaration) const {
  const std::string table = TableNamed(before_, AssumedTable(declaration));
  std::string why;
  if (const auto impossible = here_.impossible.find(&declaration); impossible != here_.impossible.end()) {
    why = impossible->second;
  } else if (ground_.leaves_out()) {
    why = "the upgrade is refused without any";
  } else if (std::find(left_out_.begin(), left_out_.end(), table) != left_out_.end()) {
    why = fmt::format("only migrations write {}", table);
  } else {
    why = WhyNoneGotIn(table);
  }
  return fmt::format("no row that breaks '{}' was tried: {}", declaration.object, why);
}

std::string ForbiddenTally::WhyNoneGotIn(const std::string& table) const {
  const auto refused = refused_.find(table);
  if (refused != refused_.end() && !refused->second.refusals.empty()) {
    const auto& refusals = refused->second.refusals;
    const auto most = std::max_element(refusals.begin(), refusals.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    return fmt::format("the server refused rows of {}: {}", table, refused->second.messages.at(most->first));
  }
  const std::vector<std::string> checks = ChecksOf(before_, table);
  if (checks.empty()) return "none could be made";
  return fmt::format("none could be made that keeps to the CHECKs of {}: {}", table, fmt::join(checks, ", "));
}

bool ForbiddenTally::InDoubt(const Declaration& declaration) const {
  return !broken_.contains(&declaration) ||
         MayMatterBefore(ground_.subject(), ground_.revision(), AssumedTable(declaration));
}

}  // namespace migproof
