// offline_agreement: the SQL script that `--sql` writes, run by psql, ends where the runner ends.
#include "harness/verify/elsewhere.h"
#include "harness/verify/property.h"
#include "harness/verify/trial.h"

namespace migproof {

namespace {

class OfflineAgreement : public Property {
 public:
  std::string_view Sentence() const override {
    return "the SQL script of all upgrades, run by psql, ends where the runner ends";
  }
  bool ChecksRevisions() const override { return false; }
  bool ChecksHistory() const override { return true; }
  int Rank() const override { return 75; }
  std::string WhyNotApplicable(const Subject& subject, const Revision*) const override {
    return subject.WhyNoScripts();
  }

  std::optional<Finding> Check(Trial& trial) const override {
    const Observation heads = trial.AtHeads();
    if (const std::string why = trial.WhyNotWhole(); !why.empty()) {
      trial.NotApplicable(why);
      return std::nullopt;
    }
    const OfflineRun offline = trial.elsewhere().RunOffline();
    if (!offline.why_not.empty()) {
      trial.Skip(offline.why_not);
      return std::nullopt;
    }
    trial.Exercised("steps run by psql", static_cast<std::int64_t>(trial.subject().order().size()));
    Finding finding;
    if (!offline.complaint.empty()) {
      finding.message = "psql can't run the script";
      finding.evidence.push_back(offline.complaint.substr(0, offline.complaint.find_last_not_of('\n') + 1));
      return finding;
    }
    const RunDifferences differences = CompareRuns(heads, offline.end, trial.elsewhere().Again(*heads.catalog).end);
    if (differences.empty()) return std::nullopt;
    finding.message = "the script ends in another database than the runner";
    for (const Difference& difference : differences.drift) finding.drift.push_back(difference.ToLine());
    finding.evidence = differences.rows;
    finding.hint = "psql reads the script itself: backslashes, variables (:name) and COPY mean more to it";
    return finding;
  }
};

const Registered<Property, OfflineAgreement> kOfflineAgreement("offline_agreement");

}  // namespace

}  // namespace migproof
