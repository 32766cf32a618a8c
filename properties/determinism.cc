// determinism: a history ends in the same database wherever and whenever it is run.
#include <fmt/format.h>

#include "harness/verify/elsewhere.h"
#include "harness/verify/property.h"
#include "harness/verify/trial.h"

namespace migproof {

namespace {

class Determinism : public Property {
 public:
  std::string_view Sentence() const override {
    return "a second run, and runs on another day, under another time zone, date style, locale, search_path, owner, "
           "order of rows or beside another namespace, end in the same catalog and rows";
  }
  bool ChecksRevisions() const override { return false; }
  bool ChecksHistory() const override { return true; }
  int Rank() const override { return 70; }
  std::string WhyNotApplicable(const Subject& subject, const Revision*) const override {
    return subject.WhyNoScripts();
  }

  std::optional<Finding> Check(Trial& trial) const override {
    const Observation heads = trial.AtHeads();
    if (heads.catalog == nullptr) return std::nullopt;
    const PlainRun& again = trial.elsewhere().Again(*heads.catalog);
    trial.Exercised("runs", 2);
    const std::vector<Difference> drift = trial.Compare(heads, again.end);
    if (!drift.empty()) {
      Finding finding;
      finding.message = "a second run gives another catalog";
      for (const Difference& difference : drift) finding.drift.push_back(difference.ToLine());
      finding.hint = kFrozen;
      return finding;
    }
    const Environments& environments = trial.elsewhere().environments();
    for (const std::string& missing : environments.not_looked_at) {
      trial.Note(fmt::format("not looked at: {}", missing));
    }
    UnstableColumns unstable = UnstableBetween(*heads.rows, *again.end.rows);
    if (environments.other_day) {
      std::optional<Finding> finding = OnAnotherDay(trial, heads, again, *environments.other_day, unstable);
      if (finding) return finding;
    }
    for (const std::string& column : unstable) {
      trial.Note(fmt::format("filled by the clock or by chance: {}", column));
    }
    bool differs = false;
    for (const Environment& environment : environments.combined) {
      trial.Exercised("runs");
      differs = differs || !Differs(trial, heads, again, unstable, environment).empty();
    }
    return differs ? Tell(trial, heads, again, unstable) : std::nullopt;
  }

 private:
  static constexpr const char* kFrozen =
      "the clock or chance is frozen into a definition: write the value, or a call that stays a call";

  // What rows hold of the clock is added to `unstable`: it counts no more than a default that asks the clock would.
  static std::optional<Finding> OnAnotherDay(Trial& trial, const Observation& heads, const PlainRun& again,
                                             const Environment& environment, UnstableColumns& unstable) {
    const PlainRun later = trial.elsewhere().RunUnder(environment, *heads.catalog);
    trial.Exercised("runs");
    trial.Exercised("days of the clock", 2);
    const UnstableColumns moved = UnstableBetween(*heads.rows, *later.end.rows);
    unstable.insert(moved.begin(), moved.end());
    Finding finding;
    for (const Difference& difference : trial.Compare(heads, later.end)) finding.drift.push_back(difference.ToLine());
    for (const Error& refusal : NewRefusals(later.refusals, again.refusals)) {
      finding.evidence.push_back(EvidenceLine(refusal));
    }
    const std::vector<std::string> rows = CompareRowsOfSharedTables(heads, later.end, unstable);
    finding.evidence.insert(finding.evidence.end(), rows.begin(), rows.end());
    if (finding.drift.empty() && finding.evidence.empty()) return std::nullopt;
    finding.message = fmt::format("the history ends elsewhere on {}", environment.name);
    finding.hint = kFrozen;
    return finding;
  }

  static std::vector<std::string> Differs(Trial& trial, const Observation& heads, const PlainRun& again,
                                          const UnstableColumns& unstable, const Environment& environment) {
    const PlainRun other = trial.elsewhere().RunUnder(environment, *heads.catalog);
    std::vector<std::string> lines;
    for (const Error& refusal : NewRefusals(other.refusals, again.refusals)) lines.push_back(EvidenceLine(refusal));
    const RunDifferences differences = CompareRuns(heads, other.end, again.end, {}, unstable);
    for (const Difference& difference : differences.drift) lines.push_back(difference.ToLine());
    lines.insert(lines.end(), differences.rows.begin(), differences.rows.end());
    return lines;
  }

  // Which of the things that were changed together it was.
  static std::optional<Finding> Tell(Trial& trial, const Observation& heads, const PlainRun& again,
                                     const UnstableColumns& unstable) {
    Finding finding;
    for (const Environment& environment : trial.elsewhere().environments().each) {
      trial.Exercised("runs");
      const std::vector<std::string> lines = Differs(trial, heads, again, unstable, environment);
      if (lines.empty()) continue;
      if (finding.message.empty())
        finding.message = fmt::format("the history ends elsewhere under {}", environment.name);
      for (const std::string& line : lines) finding.evidence.push_back(fmt::format("{}: {}", environment.name, line));
    }
    if (finding.message.empty()) finding.message = "the history ends elsewhere where several settings differ together";
    finding.hint =
        "name the namespace, the time zone, the format, the collation and the order of rows in the script, and say "
        "whose objects they are";
    return finding;
  }
};

const Registered<Property, Determinism> kDeterminism("determinism");

}  // namespace

}  // namespace migproof
