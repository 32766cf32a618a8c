// squash_agreement: one file that stands for many revisions makes what they make.
#include <fmt/format.h>

#include "harness/verify/elsewhere.h"
#include "harness/verify/property.h"
#include "harness/verify/trial.h"

namespace migproof {

namespace {

class SquashAgreement : public Property {
 public:
  std::string_view Sentence() const override {
    return "a squash makes the catalog and rows that the revisions make for which it stands, and the rest of the "
           "history runs on it as on them";
  }
  bool ChecksRevisions() const override { return false; }
  bool ChecksHistory() const override { return true; }
  int Rank() const override { return 62; }

  std::string WhyNotApplicable(const Subject& subject, const Revision*) const override {
    return !subject.squash() ? "no squash given (--squash)" : "";
  }

  std::optional<Finding> Check(Trial& trial) const override {
    const SquashRun run = trial.elsewhere().RunSquashed();
    trial.Exercised("revisions squashed", static_cast<std::int64_t>(run.replaced));
    trial.Exercised("revisions after the squash", static_cast<std::int64_t>(run.rest));
    Finding finding;
    if (!run.refusals.empty()) {
      finding.message = fmt::format("the squash fails: {}", run.refusals.front().message());
      finding.location = run.refusals.front().where();
      finding.evidence.push_back(EvidenceLine(run.refusals.front()));
      return finding;
    }
    trial.Exercised("objects compared", static_cast<std::int64_t>(run.objects));
    trial.Exercised("rows compared", run.rows);
    if (run.gap.empty() && run.gap_at_heads.empty()) return std::nullopt;
    const Gap& gap = run.gap.empty() ? run.gap_at_heads : run.gap;
    finding.message =
        run.gap.empty()
            ? "the squash makes what its revisions make, but what comes after it ends elsewhere"
            : fmt::format("the squash does not make what the {} revisions make that it stands for", run.replaced);
    for (const Difference& difference : gap.differences) finding.drift.push_back(difference.ToLine());
    for (const Error& refusal : gap.only_one) {
      finding.evidence.push_back(fmt::format("only without the squash: {}", EvidenceLine(refusal)));
    }
    for (const Error& refusal : gap.only_other) {
      finding.evidence.push_back(fmt::format("only on the squash: {}", EvidenceLine(refusal)));
    }
    finding.evidence.insert(finding.evidence.end(), gap.rows.begin(), gap.rows.end());
    finding.location = {trial.subject().squash()->script.file(), 1};
    finding.hint = "- and the first value are the revisions', + and the second the squash's";
    return finding;
  }
};

const Registered<Property, SquashAgreement> kSquashAgreement("squash_agreement");

}  // namespace

}  // namespace migproof
