// round_trip: a downgrade restores what was there before its upgrade, and upgrading again gives what the first upgrade
// gave.
#include <fmt/format.h>

#include <algorithm>

#include "harness/verify/property.h"
#include "harness/verify/trial.h"

namespace migproof {

namespace {

// Collects what one round trip shows into a single finding.
class RoundTripFinding {
 public:
  explicit RoundTripFinding(SourceLocation where) { finding_.location = std::move(where); }

  void Refused(const std::string& what, const std::vector<Error>& refusals) {
    if (refusals.empty()) return;
    Says(fmt::format("{}: {}", what, refusals.front().message()));
    if (messages_ == 1) finding_.location = refusals.front().where();
    for (const Error& refusal : refusals) finding_.evidence.push_back(EvidenceLine(refusal));
  }

  void Drifted(const std::string& what, const std::vector<Difference>& differences) {
    if (differences.empty()) return;
    Says(what);
    for (const Difference& difference : differences) finding_.drift.push_back(difference.ToLine());
  }

  void RowsDiffer(const std::string& what, const std::vector<std::string>& lines) {
    if (lines.empty()) return;
    Says(what);
    finding_.evidence.insert(finding_.evidence.end(), lines.begin(), lines.end());
  }

  void Hint(std::string hint) { finding_.hint = std::move(hint); }

  std::optional<Finding> Take() {
    if (messages_ == 0) return std::nullopt;
    return std::move(finding_);
  }

 private:
  void Says(const std::string& message) { finding_.message += (messages_++ == 0 ? "" : "; ") + message; }

  Finding finding_;
  int messages_ = 0;
};

SourceLocation Downgrades(const Revision& revision) {
  const Script& script = revision.downgrade->script;
  return script.empty() ? SourceLocation{script.file(), script.first_line()} : script.At(script.statements()[0].begin);
}

class RoundTrip : public Property {
 public:
  std::string_view Sentence() const override {
    return "upgrade then downgrade restores the catalog and every row; upgrading again gives what the first upgrade "
           "gave, and keeps what rows of the new shape had in columns that were there before";
  }
  bool ChecksRevisions() const override { return true; }
  bool ChecksHistory() const override { return true; }
  bool ChecksRows() const override { return true; }
  bool ChecksNewRows() const override { return true; }
  std::vector<std::string> Excuses() const override { return {"loses", "changes", "assumes"}; }
  int Rank() const override { return 20; }

  std::string WhyNotApplicable(const Subject& subject, const Revision* revision) const override {
    if (revision == nullptr) {
      const Revision& last = *subject.order().back();
      return last.downgrade && !last.Declares("irreversible") ? "" : "the last revision can't be undone";
    }
    if (!revision->downgrade) return "the history gives no downgrade";
    return revision->Declares("irreversible") ? "declared irreversible" : "";
  }

  std::optional<Finding> Check(Trial& trial) const override {
    if (trial.whole_history()) return CheckDescent(trial);
    return trial.has_new_rows() ? CheckNewRows(trial) : CheckRevision(trial);
  }

 private:
  static std::optional<Finding> CheckRevision(Trial& trial) {
    RoundTripFinding finding(Downgrades(trial.revision()));
    const Observation& before = trial.Before();
    const Observation& upgraded = trial.After({Move::kUpgrade});
    if (upgraded.catalog == nullptr) return std::nullopt;  // the upgrade's refusal is another law's finding
    const Observation& downgraded = trial.After({Move::kUpgrade, Move::kDowngrade});
    trial.Exercised("downgrades");
    finding.Refused("the downgrade fails", downgraded.refusals);
    if (downgraded.refused()) return finding.Take();
    finding.Drifted("the downgrade does not restore the catalog", trial.Compare(before, downgraded));
    finding.RowsDiffer("the downgrade does not restore the rows", trial.CompareRows(before, downgraded));
    finding.Hint(trial.LossHint("loses"));
    if (!trial.has_rows()) trial.NoteStale("leaves");
    if (trial.KnowsUpgradeAgain()) return finding.Take();

    const Observation& again = trial.After({Move::kUpgrade, Move::kDowngrade, Move::kUpgrade});
    trial.Exercised("upgrades again");
    finding.Refused("upgrading again fails", NewRefusals(again.refusals, upgraded.refusals));
    if (again.catalog == nullptr) return finding.Take();
    finding.Drifted("upgrading again gives another catalog", trial.Compare(upgraded, again));
    finding.RowsDiffer("upgrading again gives other rows", trial.CompareRows(upgraded, again));
    return finding.Take();
  }

  // Rows that came after the upgrade, down and up again. A downgrade may refuse them: nothing is lost then. An upgrade
  // that refuses what the downgrade left is what upgrade_succeeds is about.
  static std::optional<Finding> CheckNewRows(Trial& trial) {
    const Path inserted = {Move::kUpgrade, Move::kInsert};
    const Path down = {Move::kUpgrade, Move::kInsert, Move::kDowngrade};
    const Path again = {Move::kUpgrade, Move::kInsert, Move::kDowngrade, Move::kUpgrade};
    const Observation& before = trial.Before();
    if (before.catalog == nullptr || trial.After({Move::kUpgrade}).catalog == nullptr) return std::nullopt;
    RoundTripFinding finding(Downgrades(trial.revision()));
    const Observation& fresh = trial.After(inserted);
    const Observation& downgraded = trial.After(down);
    trial.Exercised("downgrades");
    if (downgraded.refused()) {
      const Error& refusal = downgraded.refusals.front();
      if (refusal.sql() && RefusesRows(refusal.sqlstate())) {
        trial.Note("the downgrade refuses some rows of the new shape, and keeps them: " + refusal.message());
        return std::nullopt;
      }
      finding.Refused("the downgrade fails on rows of the new shape", downgraded.refusals);
      return finding.Take();
    }
    const Observation& upgraded = trial.After(again);
    trial.Exercised("upgrades again");
    if (upgraded.catalog == nullptr) return std::nullopt;
    finding.RowsDiffer("downgrade and upgrade change rows of the new shape", trial.CompareSurvivors(fresh, upgraded));
    finding.Hint(trial.LossHint("loses"));
    return finding.Take();
  }

  // A value or a constraint stands in the way (classes 22 and 23; 54000: a value too long for an index), or the script
  // says so itself (P0001).
  static bool RefusesRows(std::string_view sqlstate) {
    return sqlstate.starts_with("22") || sqlstate.starts_with("23") || sqlstate == "54000" || sqlstate == "P0001";
  }

  static std::optional<Finding> CheckDescent(Trial& trial) {
    const DescentResult& descent = trial.Descent();
    if (!descent.stopped.empty()) trial.Note("the descent ends there: " + descent.stopped);
    if (descent.steps.empty()) return std::nullopt;
    Finding finding;
    int failing = 0;
    for (const DescentStep& step : descent.steps) {
      trial.Exercised("downgrades");
      trial.Exercised("objects compared", step.objects);
      if (ReportStep(trial, step, finding)) ++failing;
    }
    if (failing == 0) return std::nullopt;
    finding.message = fmt::format("{} of {} downgrades on the way from the heads down do not restore what was there",
                                  failing, descent.steps.size());
    return finding;
  }

  static bool ReportStep(Trial& trial, const DescentStep& step, Finding& finding) {
    const std::vector<Difference> differences = trial.Counting(step.revision, step.differences);
    if (step.refusals.empty() && differences.empty() && step.rows.empty()) return false;
    if (finding.location.empty()) finding.location = Downgrades(*step.revision);
    const std::string& id = step.revision->id;
    for (const Error& refusal : step.refusals)
      finding.evidence.push_back(fmt::format("{}: {}", id, EvidenceLine(refusal)));
    for (const Difference& d : differences) finding.drift.push_back(fmt::format("{}: {}", id, d.ToLine()));
    for (const std::string& line : step.rows) finding.evidence.push_back(fmt::format("{}: {}", id, line));
    return true;
  }
};

const Registered<Property, RoundTrip> kRoundTrip("round_trip");

}  // namespace

}  // namespace migproof
