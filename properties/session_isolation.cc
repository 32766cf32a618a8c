// session_isolation: what one step does to its connection does not reach the next step.
#include <fmt/format.h>

#include "harness/verify/elsewhere.h"
#include "harness/verify/property.h"
#include "harness/verify/trial.h"

namespace migproof {

namespace {

class SessionIsolation : public Property {
 public:
  std::string_view Sentence() const override {
    return "a step leaves nothing on its connection that the next step could notice: settings, role, temporary tables, "
           "locks, prepared statements";
  }
  bool ChecksRevisions() const override { return true; }
  bool ChecksHistory() const override { return false; }
  int Rank() const override { return 55; }
  std::string WhyNotApplicable(const Subject& subject, const Revision*) const override {
    return subject.WhyNoScripts();
  }

  std::optional<Finding> Check(Trial& trial) const override {
    trial.After({Move::kUpgrade});  // tells what the server lacks
    int looked_at = 0;
    const std::vector<SessionLeak> leaks = trial.elsewhere().SessionLeaksOf(trial.revision(), looked_at);
    trial.Exercised("connections looked at", looked_at);
    if (looked_at == 0) {
      trial.NotApplicable("no statement that could change its connection");
      return std::nullopt;
    }
    if (leaks.empty()) return std::nullopt;
    Finding finding;
    for (const SessionLeak& leak : leaks) {
      if (leak.refusal) {
        finding.evidence.push_back(fmt::format("the {}: {}", Name(leak.direction), EvidenceLine(*leak.refusal)));
      }
      for (const std::string& left : leak.left) {
        finding.evidence.push_back(fmt::format("the {} leaves: {}", Name(leak.direction), left));
      }
    }
    const SessionLeak& first = leaks.front();
    const Section& section =
        first.direction == Direction::kUpgrade ? trial.revision().upgrade : *trial.revision().downgrade;
    finding.location = {section.script.file(), section.script.first_line()};
    if (!section.script.empty()) finding.location = section.script.At(section.script.statements().front().begin);
    finding.message = first.refusal ? fmt::format("the {} leaves a role that may not go on", Name(first.direction))
                                    : fmt::format("the {} leaves {} to the next step", Name(first.direction),
                                                  first.left.front().substr(0, first.left.front().find(": ")));
    finding.hint = "SET LOCAL ends with the transaction; what a step makes for itself it takes away again";
    return finding;
  }
};

const Registered<Property, SessionIsolation> kSessionIsolation("session_isolation");

}  // namespace

}  // namespace migproof
