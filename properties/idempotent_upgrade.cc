// idempotent_upgrade: running again changes nothing.
#include <fmt/format.h>

#include "harness/verify/property.h"
#include "harness/verify/trial.h"

namespace migproof {

namespace {

class IdempotentUpgrade : public Property {
 public:
  std::string_view Sentence() const override {
    return "upgrading at the heads changes nothing; a revision declared idempotent runs twice, and adopts an unstamped "
           "database, without changing it";
  }
  bool ChecksRevisions() const override { return true; }
  bool ChecksHistory() const override { return true; }
  bool ChecksRows() const override { return true; }
  std::vector<std::string> Excuses() const override { return {"assumes"}; }
  int Rank() const override { return 30; }

  std::string WhyNotApplicable(const Subject&, const Revision* revision) const override {
    return revision == nullptr || revision->Declares("idempotent") ? "" : "not declared idempotent";
  }

  std::optional<Finding> Check(Trial& trial) const override {
    return trial.whole_history() ? CheckHeads(trial) : CheckRevision(trial);
  }

 private:
  static std::optional<Finding> CheckRevision(Trial& trial) {
    const Observation& upgraded = trial.After({Move::kUpgrade});
    if (upgraded.catalog == nullptr) return std::nullopt;  // the upgrade's refusal is another law's finding
    trial.Exercised("runs", 2);
    const Observation& twice = trial.After({Move::kUpgrade, Move::kRerun});
    if (auto finding = Differs(trial, upgraded, twice, "running the upgrade a second time")) return finding;
    trial.Exercised("adoptions");
    const Observation& adopted = trial.After({Move::kUpgrade, Move::kAdopt});
    return Differs(trial, upgraded, adopted, "adopting an unstamped database that holds the schema already");
  }

  static std::optional<Finding> CheckHeads(Trial& trial) {
    trial.Exercised("upgrades at the heads");
    return Differs(trial, trial.AtHeads(), trial.AfterUpgradeAtHeads(), "upgrading at the heads");
  }

  static std::optional<Finding> Differs(Trial& trial, const Observation& once, const Observation& again,
                                        const std::string& what) {
    const std::vector<Error> refusals = NewRefusals(again.refusals, once.refusals);
    Finding finding;
    if (!refusals.empty()) {
      finding.message = fmt::format("{} fails: {}", what, refusals.front().message());
      finding.location = refusals.front().where();
      for (const Error& refusal : refusals) finding.evidence.push_back(EvidenceLine(refusal));
      return finding;
    }
    for (const Difference& difference : trial.Compare(once, again)) finding.drift.push_back(difference.ToLine());
    finding.evidence = trial.CompareRows(once, again);
    if (finding.drift.empty() && finding.evidence.empty()) return std::nullopt;
    finding.message = what + (finding.drift.empty() ? " changes rows" : " changes the catalog");
    if (!trial.whole_history()) finding.location = trial.revision().where;
    return finding;
  }
};

const Registered<Property, IdempotentUpgrade> kIdempotentUpgrade("idempotent_upgrade");

}  // namespace

}  // namespace migproof
