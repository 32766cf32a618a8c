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
    return "a second run, and runs under another time zone and day, date style, search_path, owner or beside another "
           "namespace, end in the same catalog and rows";
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
    const Difference* moving = nullptr;
    const std::vector<Difference> drift = trial.Compare(heads, again.end);
    if (!drift.empty()) moving = &drift.front();
    if (moving != nullptr) {
      Finding finding;
      finding.message = "a second run gives another catalog";
      for (const Difference& difference : drift) finding.drift.push_back(difference.ToLine());
      finding.hint = "the clock or chance is frozen into a definition: write the value, or a call that stays a call";
      return finding;
    }
    for (const std::string& column : UnstableBetween(*heads.rows, *again.end.rows)) {
      trial.Note(fmt::format("filled by the clock or by chance: {}", column));
    }
    bool differs = false;
    for (const Environment& environment : CombinedEnvironments()) {
      trial.Exercised("runs");
      differs = differs || !Differs(trial, heads, again, environment).empty();
    }
    return differs ? Tell(trial, heads, again) : std::nullopt;
  }

 private:
  static std::vector<std::string> Differs(Trial& trial, const Observation& heads, const PlainRun& again,
                                          const Environment& environment) {
    const PlainRun other = trial.elsewhere().RunUnder(environment, *heads.catalog);
    std::vector<std::string> lines;
    for (const Error& refusal : NewRefusals(other.refusals, again.refusals)) lines.push_back(EvidenceLine(refusal));
    const RunDifferences differences = CompareRuns(heads, other.end, again.end);
    for (const Difference& difference : differences.drift) lines.push_back(difference.ToLine());
    lines.insert(lines.end(), differences.rows.begin(), differences.rows.end());
    return lines;
  }

  // Which of the things that were changed together it was.
  static std::optional<Finding> Tell(Trial& trial, const Observation& heads, const PlainRun& again) {
    Finding finding;
    for (const Environment& environment : OtherEnvironments()) {
      trial.Exercised("runs");
      const std::vector<std::string> lines = Differs(trial, heads, again, environment);
      if (lines.empty()) continue;
      if (finding.message.empty())
        finding.message = fmt::format("the history ends elsewhere under {}", environment.name);
      for (const std::string& line : lines) finding.evidence.push_back(fmt::format("{}: {}", environment.name, line));
    }
    if (finding.message.empty()) finding.message = "the history ends elsewhere where several settings differ together";
    finding.hint = "name the namespace, the time zone and the format in the script, and say whose objects they are";
    return finding;
  }
};

const Registered<Property, Determinism> kDeterminism("determinism");

}  // namespace

}  // namespace migproof
