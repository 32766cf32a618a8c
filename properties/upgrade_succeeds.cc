// upgrade_succeeds: every revision's upgrade runs from the database of its ancestors.
#include <fmt/format.h>

#include "harness/verify/property.h"
#include "harness/verify/refusal_hint.h"
#include "harness/verify/stale.h"
#include "harness/verify/trial.h"

namespace migproof {

namespace {

class UpgradeSucceeds : public Property {
 public:
  std::string_view Sentence() const override {
    return "every revision's upgrade runs on the database that its ancestors leave, whatever rows it holds";
  }
  bool ChecksRevisions() const override { return true; }
  bool ChecksHistory() const override { return false; }
  bool ChecksRows() const override { return true; }
  std::vector<std::string> Excuses() const override { return {"assumes"}; }
  std::string WhyNotApplicable(const Subject&, const Revision*) const override { return ""; }
  int Rank() const override { return 10; }

  std::optional<Finding> Check(Trial& trial) const override {
    const Observation& upgraded = trial.After({Move::kUpgrade});
    trial.Exercised("upgrades");
    trial.Exercised("statements",
                    static_cast<std::int64_t>(trial.revision().upgrade.AsSql().script.statements().size()));
    if (!trial.has_rows()) NoteStale(trial, upgraded);
    if (!upgraded.refused()) return Verified(trial);
    Finding finding;
    finding.message = fmt::format("the upgrade fails: {}", upgraded.refusals.front().message());
    if (upgraded.refusals.size() > 1) {
      finding.message += fmt::format(" (and {} more statements)", upgraded.refusals.size() - 1);
    }
    finding.location = upgraded.refusals.front().where();
    for (const Error& refusal : upgraded.refusals) finding.evidence.push_back(EvidenceLine(refusal));
    const Error& first = upgraded.refusals.front();
    finding.hint = trial.has_rows() ? RefusalHint(first, *trial.Before().catalog) : AbsenceHint(first);
    return finding;
  }

 private:
  // Declarations that need no rows to be seen through.
  static void NoteStale(Trial& trial, const Observation& upgraded) {
    const Revision& revision = trial.revision();
    const Observation& before = trial.Before();
    for (const Declaration& declaration : revision.declarations) {
      if (declaration.kind == "requires" && RequiresNothing(declaration)) trial.Stale(declaration);
      if (declaration.kind != "owns" || before.catalog == nullptr || upgraded.catalog == nullptr) continue;
      const bool stale = OwnsNothing(trial.subject(), revision, declaration.object, *before.catalog, *upgraded.catalog);
      if (stale) trial.Stale(declaration);
    }
  }

  // What the tool itself would run to see whether the upgrade did its work.
  static std::optional<Finding> Verified(Trial& trial) {
    if (trial.has_rows() || trial.has_new_rows() || !trial.revision().verification) return std::nullopt;
    trial.Exercised("verify scripts");
    const Observation& verified = trial.After({Move::kUpgrade, Move::kVerify});
    if (!verified.refused()) return std::nullopt;
    Finding finding;
    finding.message = fmt::format("the verify script fails: {}", verified.refusals.front().message());
    finding.location = verified.refusals.front().where();
    for (const Error& refusal : verified.refusals) finding.evidence.push_back(EvidenceLine(refusal));
    return finding;
  }
};

const Registered<Property, UpgradeSucceeds> kUpgradeSucceeds("upgrade_succeeds");

}  // namespace

}  // namespace migproof
