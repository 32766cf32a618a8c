#include "harness/report/report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace migproof {

std::map<Outcome, int> Report::Counts() const {
  std::map<Outcome, int> counts;
  for (const Verdict& verdict : verdicts) {
    if (verdict.outcome != Outcome::kFalsified || verdict.waiver.empty()) ++counts[verdict.outcome];
  }
  return counts;
}

int Report::Waived() const {
  int waived = 0;
  for (const Verdict& verdict : verdicts) waived += verdict.outcome == Outcome::kFalsified && !verdict.waiver.empty();
  return waived;
}

bool Report::NothingChecked() const {
  return std::all_of(verdicts.begin(), verdicts.end(),
                     [](const Verdict& verdict) { return verdict.outcome == Outcome::kNotApplicable; });
}

int Report::ExitStatus() const {
  std::map<Outcome, int> counts = Counts();
  if (counts[Outcome::kFalsified] > 0) return 1;
  const bool unchecked = counts[Outcome::kGaveUp] + counts[Outcome::kSkipped] + counts[Outcome::kError] > 0;
  return unchecked || NothingChecked() ? 2 : 0;
}

nlohmann::json ToJson(const Report& report) {
  nlohmann::json verdicts = nlohmann::json::array();
  for (const Verdict& verdict : report.verdicts) verdicts.push_back(ToJson(verdict));
  nlohmann::json summary;
  std::map<Outcome, int> counts = report.Counts();
  for (const Outcome outcome : {Outcome::kHeld, Outcome::kFalsified, Outcome::kNotApplicable, Outcome::kGaveUp,
                                Outcome::kSkipped, Outcome::kError}) {
    summary[std::string(Name(outcome))] = counts[outcome];
  }
  summary["waived"] = report.Waived();
  summary["exit_status"] = report.ExitStatus();
  return {{"verdicts", std::move(verdicts)},
          {"summary", std::move(summary)},
          {"server", report.server},
          {"history",
           {{"format", report.format},
            {"directory", report.directory},
            {"revisions", report.revisions},
            {"heads", report.heads}}},
          {"laws", report.law_sentences},
          {"equivalence", report.equivalence},
          {"rows", ToJson(report.coverage)},
          {"notes", report.notes}};
}

}  // namespace migproof
