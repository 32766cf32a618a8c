// concurrent_runners: runners that are started together do what one of them would have done.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/verify/elsewhere.h"
#include "harness/verify/property.h"
#include "harness/verify/trial.h"

namespace migproof {

namespace {

struct Start {
  const char* what;
  RaceOptions options;
};

class ConcurrentRunners : public Property {
 public:
  std::string_view Sentence() const override {
    return "runners started together apply each revision once, none deadlocks, and all agree; so do those that find "
           "the "
           "lock of a killed one";
  }
  bool ChecksRevisions() const override { return false; }
  bool ChecksHistory() const override { return true; }
  int Rank() const override { return 60; }
  std::string WhyNotApplicable(const Subject& subject, const Revision*) const override {
    return subject.WhyNoScripts();
  }

  std::optional<Finding> Check(Trial& trial) const override {
    const Observation heads = trial.AtHeads();
    if (const std::string why = trial.WhyNotWhole(); !why.empty()) {
      trial.NotApplicable(why);
      return std::nullopt;
    }
    const std::vector<std::string> let_go = trial.elsewhere().LockLetGo();
    trial.Exercised("locks looked at", static_cast<std::int64_t>(trial.subject().order().size()));
    if (!let_go.empty()) return LetGo(trial, let_go);
    const int half = static_cast<int>(trial.subject().order().size() + 1) / 2;
    const Start starts[] = {
        {"2 runners", {.runners = 2}},
        {"8 runners", {.runners = 8}},
        {"3 runners, after one was killed that held the lock", {.runners = 3, .killed_after = half}}};
    for (const Start& start : starts) {
      if (auto finding = RunTogether(trial, heads, start)) return finding;
    }
    return std::nullopt;
  }

 private:
  static Finding LetGo(Trial& trial, const std::vector<std::string>& let_go) {
    Finding finding;
    const Revision& first = trial.subject().history().Get(let_go.front());
    finding.message = fmt::format("the upgrade of '{}' lets the runner's lock go: another runner may begin", first.id);
    finding.location = first.where;
    for (const std::string& id : let_go) {
      finding.evidence.push_back(
          fmt::format("after '{}' another runner can take the lock, while the first goes on", id));
    }
    finding.hint = "DISCARD ALL and pg_advisory_unlock_all() give up every lock of the connection, the runner's too";
    return finding;
  }

  static std::optional<Finding> RunTogether(Trial& trial, const Observation& heads, const Start& start) {
    const RaceResult race = trial.elsewhere().Race(start.options);
    trial.Exercised("runners", start.options.runners + (start.options.killed_after >= 0 ? 1 : 0));
    Finding finding;
    for (const Error& complaint : race.complaints)
      finding.evidence.push_back("a runner ends: " + EvidenceLine(complaint));
    for (const Revision* revision : trial.subject().order()) {
      const auto found = race.applied.find(revision->id);
      const int times = found == race.applied.end() ? 0 : found->second;
      if (times != 1) finding.evidence.push_back(fmt::format("'{}' is applied {} times", revision->id, times));
      if (!race.ledger.applied.contains(revision->id)) {
        finding.evidence.push_back(fmt::format("the ledger does not have '{}'", revision->id));
      }
    }
    if (race.ledger.dirty) finding.evidence.emplace_back("the ledger says dirty");
    const RunDifferences differences = CompareRuns(heads, race.end, trial.elsewhere().Again(*heads.catalog).end);
    for (const Difference& difference : differences.drift) finding.drift.push_back(difference.ToLine());
    finding.evidence.insert(finding.evidence.end(), differences.rows.begin(), differences.rows.end());
    if (finding.evidence.empty() && finding.drift.empty()) return std::nullopt;
    finding.message = fmt::format("{} together do not do what one does", start.what);
    if (!race.complaints.empty()) finding.location = race.complaints.front().where();
    return finding;
  }
};

const Registered<Property, ConcurrentRunners> kConcurrentRunners("concurrent_runners");

}  // namespace

}  // namespace migproof
