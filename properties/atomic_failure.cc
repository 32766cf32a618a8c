// atomic_failure: a step that fails leaves nothing; one that cannot be a transaction can be run again.
#include <fmt/format.h>

#include <algorithm>

#include "harness/verify/elsewhere.h"
#include "harness/verify/property.h"
#include "harness/verify/trial.h"

namespace migproof {

namespace {

using Kind = BrokenFailure::Kind;

std::string Says(const BrokenFailure& broken) {
  switch (broken.kind) {
    case Kind::kTrace: return "leaves a part of the step";
    case Kind::kClaim: return "leaves a ledger that does not say what was done";
    case Kind::kRefusedAgain: return "leaves a state in which running the step again fails";
    case Kind::kElsewhere: return "leaves a state from which running the step again does not reach the goal";
  }
  return "";
}

// An index that is there and INVALID, where a valid one should be.
bool IsInvalidIndex(const std::string& line) {
  return line.rfind("~ index ", 0) == 0 && line.find(": valid was true") != std::string::npos;
}

std::string Hint(const BrokenFailure& broken, const std::vector<std::string>& drift) {
  if (broken.kind == Kind::kElsewhere && std::any_of(drift.begin(), drift.end(), IsInvalidIndex)) {
    return "IF NOT EXISTS takes an INVALID index for done: DROP INDEX CONCURRENTLY IF EXISTS before creating it";
  }
  switch (broken.kind) {
    case Kind::kTrace: return "take transaction control and whatever commits by itself out of the script";
    case Kind::kClaim: return "leave the ledger's table to the runner";
    case Kind::kRefusedAgain:
      return "make each statement safe to repeat: begin with what takes a half-made object away";
    case Kind::kElsewhere:
      return "make each statement give the same when it is repeated: set values, do not add to them";
  }
  return "";
}

class AtomicFailure : public Property {
 public:
  std::string_view Sentence() const override {
    return "a step that fails or is killed at any statement leaves nothing in catalog, rows and ledger; one that can't "
           "be a transaction reaches its goal when it is run again";
  }
  bool ChecksRevisions() const override { return true; }
  bool ChecksHistory() const override { return false; }
  int Rank() const override { return 50; }
  std::string WhyNotApplicable(const Subject& subject, const Revision*) const override {
    return subject.WhyNoScripts();
  }

  std::optional<Finding> Check(Trial& trial) const override {
    trial.After({Move::kUpgrade});  // tells what the server lacks
    const FailureResult& result = trial.elsewhere().Failures(trial.revision());
    for (const auto& [what, count] : result.exercised) trial.Exercised(what, count);
    for (const std::string& note : result.notes) trial.Note(note);
    std::vector<const BrokenFailure*> counting;
    for (const BrokenFailure& broken : result.broken) {
      if (Counts(trial, broken)) counting.push_back(&broken);
    }
    if (counting.empty()) return std::nullopt;
    return Tell(trial, counting);
  }

 private:
  // What the revision declares to leave may be left.
  static bool Counts(Trial& trial, const BrokenFailure& broken) {
    if (broken.kind != Kind::kElsewhere && broken.kind != Kind::kTrace) return true;
    return !trial.Compare(broken.expected, broken.seen).empty() ||
           !CompareRowsOfSharedTables(broken.expected, broken.seen).empty();
  }

  static std::optional<Finding> Tell(Trial& trial, const std::vector<const BrokenFailure*>& counting) {
    const BrokenFailure& first = *counting.front();
    Finding finding;
    finding.location = first.failure.where;
    finding.message = fmt::format("{} {}", first.failure.ToString(), Says(first));
    if (counting.size() > 1) finding.message += fmt::format(" (and {} more failures do harm)", counting.size() - 1);
    for (const Error& refusal : first.refusals) finding.evidence.push_back("run again: " + EvidenceLine(refusal));
    if (first.kind == Kind::kClaim) finding.evidence.push_back("the ledger says: " + first.ledger);
    if (first.expected.catalog != nullptr && first.seen.catalog != nullptr) {
      for (const Difference& d : trial.Compare(first.expected, first.seen)) finding.drift.push_back(d.ToLine());
      for (std::string& line : CompareRowsOfSharedTables(first.expected, first.seen)) {
        finding.evidence.push_back(std::move(line));
      }
    }
    finding.hint = Hint(first, finding.drift);
    for (std::size_t i = 1; i < counting.size(); ++i) {
      finding.evidence.push_back(fmt::format("likewise: {} {}", counting[i]->failure.ToString(), Says(*counting[i])));
    }
    return finding;
  }
};

const Registered<Property, AtomicFailure> kAtomicFailure("atomic_failure");

}  // namespace

}  // namespace migproof
