// stamp_agreement: a stamped ledger is the ledger that a replay leaves.
#include <fmt/format.h>

#include <algorithm>

#include "harness/verify/elsewhere.h"
#include "harness/verify/property.h"
#include "harness/verify/trial.h"

namespace migproof {

namespace {

void Missing(const std::vector<std::string>& from, const std::vector<std::string>& in, const std::string& what,
             std::vector<std::string>& evidence) {
  for (const std::string& entry : from) {
    if (std::find(in.begin(), in.end(), entry) == in.end()) evidence.push_back(what + entry);
  }
}

class StampAgreement : public Property {
 public:
  std::string_view Sentence() const override {
    return "to stamp a database at a revision gives the ledger that replaying up to it gives, and touches nothing else";
  }
  bool ChecksRevisions() const override { return true; }
  bool ChecksHistory() const override { return false; }
  int Rank() const override { return 65; }
  std::string WhyNotApplicable(const Subject&, const Revision*) const override { return ""; }

  std::optional<Finding> Check(Trial& trial) const override {
    trial.After({Move::kUpgrade});  // tells what the server lacks
    const StampedLedger ledger = trial.elsewhere().Stamped(trial.revision());
    trial.Exercised("stamps");
    trial.Exercised("ledger entries compared", static_cast<std::int64_t>(ledger.replayed.size()));
    Finding finding;
    Missing(ledger.replayed, ledger.stamped, "only replayed: ", finding.evidence);
    Missing(ledger.stamped, ledger.replayed, "only stamped: ", finding.evidence);
    if (finding.evidence.empty() && ledger.replayed != ledger.stamped) {
      finding.evidence.push_back(
          fmt::format("{} entries replayed, {} stamped", ledger.replayed.size(), ledger.stamped.size()));
    }
    if (!finding.evidence.empty()) finding.message = "replay and stamp leave different ledgers";
    for (const Difference& difference : trial.Compare(ledger.before, ledger.after)) {
      finding.drift.push_back(difference.ToLine());
    }
    for (std::string& line : CompareRowsOfSharedTables(ledger.before, ledger.after)) {
      finding.evidence.push_back(std::move(line));
    }
    if (finding.evidence.empty() && finding.drift.empty()) return std::nullopt;
    if (finding.message.empty()) finding.message = "stamping changes more than the ledger";
    finding.location = trial.revision().where;
    finding.hint = "leave the ledger's table to the runner: no script writes it, no trigger hangs on it";
    return finding;
  }
};

const Registered<Property, StampAgreement> kStampAgreement("stamp_agreement");

}  // namespace

}  // namespace migproof
