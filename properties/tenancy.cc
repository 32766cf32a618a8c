// tenancy: a history that runs in one namespace leaves all others alone.
#include <fmt/format.h>

#include "harness/verify/elsewhere.h"
#include "harness/verify/property.h"
#include "harness/verify/trial.h"

namespace migproof {

namespace {

class Tenancy : public Property {
 public:
  std::string_view Sentence() const override {
    return "run in one namespace, beside another one that holds the same history, a history touches nothing outside";
  }
  bool ChecksRevisions() const override { return false; }
  bool ChecksHistory() const override { return true; }
  bool OnlyByName() const override { return true; }
  int Rank() const override { return 80; }
  std::string WhyNotApplicable(const Subject& subject, const Revision*) const override {
    return subject.WhyNoScripts();
  }

  std::optional<Finding> Check(Trial& trial) const override {
    trial.AtHeads();
    const TenantRun run = trial.elsewhere().RunAsTenant();
    trial.Exercised("namespaces", 2);
    Finding finding;
    for (const Error& refusal : run.refusals) finding.evidence.push_back(EvidenceLine(refusal));
    for (const Difference& difference : trial.Compare(run.before, run.after)) {
      finding.drift.push_back(difference.ToLine());
    }
    for (std::string& line : CompareRowsOfSharedTables(run.before, run.after)) {
      finding.evidence.push_back(std::move(line));
    }
    if (finding.drift.empty() && finding.evidence.empty()) return std::nullopt;
    finding.message = run.refusals.empty()
                          ? "the history touches what is outside of its namespace"
                          : fmt::format("the history can't run beside itself: {}", run.refusals.front().message());
    if (!run.refusals.empty()) finding.location = run.refusals.front().where();
    finding.hint = "leave namespaces out of names, so that search_path finds the tenant's own";
    return finding;
  }
};

const Registered<Property, Tenancy> kTenancy("tenancy");

}  // namespace

}  // namespace migproof
