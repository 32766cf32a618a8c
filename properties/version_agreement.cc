// version_agreement: a history ends in the same database on every server version.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/verify/elsewhere.h"
#include "harness/verify/property.h"
#include "harness/verify/trial.h"

namespace migproof {

namespace {

constexpr const char* kSeveral = "there is one server: --postgres 13,15,17 names several";

const char* NameOf(Move move) { return move == Move::kDowngrade ? "downgrade" : "upgrade"; }

// "not on 13, 14: r3 requires server >= 15"
std::string LeftOut(const std::map<std::string, std::string>& servers) {
  std::map<std::string, std::vector<std::string>> by_reason;
  for (const auto& [server, why] : servers) by_reason[why].push_back(server);
  std::vector<std::string> parts;
  for (const auto& [why, names] : by_reason) parts.push_back(fmt::format("not on {}: {}", fmt::join(names, ", "), why));
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::string HintFor(const VersionStep& step) {
  for (const VersionRefusal& refusal : step.refusals) {
    if (refusal.newest_refusing < refusal.oldest_taking) {
      return fmt::format("write it so that every version takes it, or declare: -- migproof: requires server >= {}",
                         refusal.oldest_taking);
    }
  }
  return "say in the script what a server would otherwise choose by its version (an extension's VERSION, a name, a "
         "schema), or declare which servers it is for: -- migproof: requires server >= 15";
}

class VersionAgreement : public Property {
 public:
  std::string_view Sentence() const override {
    return "every server version ends in the same catalog and the same rows, step by step, up and down";
  }
  bool ChecksRevisions() const override { return true; }
  bool ChecksHistory() const override { return false; }
  bool ComparesServers() const override { return true; }
  int Rank() const override { return 75; }
  std::string WhyNotApplicable(const Subject&, const Revision*) const override { return ""; }

  std::optional<Finding> Check(Trial& trial) const override {
    if (trial.elsewhere().servers() < 2) {
      trial.NotApplicable(kSeveral);
      return std::nullopt;
    }
    const VersionStep& step = trial.elsewhere().OnEveryServer(trial.revision());
    if (!step.declared.empty()) trial.Note(LeftOut(step.declared));
    for (const std::string& note : step.notes) trial.Note(note);
    trial.Exercised("steps", step.steps);
    trial.Exercised("objects compared", step.objects);
    trial.Exercised("rows compared", step.rows);
    if (!step.faults.empty() || !step.refusals.empty()) return Tell(trial.revision(), step);
    if (!step.not_declared.empty()) {
      trial.Skip(LeftOut(step.not_declared));
    } else if (step.compared.size() < 2) {
      trial.NotApplicable(fmt::format("fewer than two of the servers are for it: {}", LeftOut(step.declared)));
    }
    return std::nullopt;
  }

 private:
  static Finding Tell(const Revision& revision, const VersionStep& step) {
    Finding finding;
    finding.location = revision.where;
    for (const VersionRefusal& refusal : step.refusals) {
      std::string message = fmt::format("the {} runs on {}, and not on {}", NameOf(refusal.move),
                                        fmt::join(refusal.taking, ", "), fmt::join(refusal.refusing, ", "));
      if (finding.message.empty()) {
        finding.message = std::move(message);
        if (!refusal.where.empty()) finding.location = refusal.where;
      }
      finding.evidence.push_back(fmt::format("on {}: {}", fmt::join(refusal.refusing, ", "), refusal.line));
    }
    for (const VersionFault& fault : step.faults) {
      const std::string servers = fmt::format("{}", fmt::join(fault.servers, ", "));
      if (finding.message.empty()) {
        finding.message =
            fmt::format("the {} ends otherwise on {} than on {}", NameOf(fault.move), servers, fault.against);
      }
      const std::string where = fmt::format("  (on {}, against {})", servers, fault.against);
      for (const std::string& line : fault.drift) finding.drift.push_back(line + where);
      for (const std::string& line : fault.rows) finding.evidence.push_back(line + where);
    }
    finding.hint = HintFor(step);
    return finding;
  }
};

const Registered<Property, VersionAgreement> kVersionAgreement("version_agreement");

}  // namespace

}  // namespace migproof
