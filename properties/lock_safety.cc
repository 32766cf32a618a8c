// lock_safety: no table is read through while an earlier statement's lock keeps others from writing to it.
#include <fmt/format.h>

#include "harness/verify/elsewhere.h"
#include "harness/verify/property.h"
#include "harness/verify/trial.h"

namespace migproof {

namespace {

// "ALTER TABLE orders ADD CONSTRAINT ..." of a statement of many lines.
std::string Beginning(const std::string& statement) {
  constexpr std::size_t kShown = 80;
  const std::size_t end = std::min(statement.find('\n'), kShown);
  return end < statement.size() ? statement.substr(0, end) + " ..." : statement;
}

class LockSafety : public Property {
 public:
  std::string_view Sentence() const override {
    return "no statement scans a whole table while its transaction holds a lock on it that keeps others from writing "
           "(only where asked for)";
  }
  bool ChecksRevisions() const override { return true; }
  bool ChecksHistory() const override { return false; }
  bool OnlyByName() const override { return true; }
  int Rank() const override { return 85; }
  std::string WhyNotApplicable(const Subject& subject, const Revision*) const override {
    return subject.WhyNoScripts();
  }

  std::optional<Finding> Check(Trial& trial) const override {
    trial.After({Move::kUpgrade});  // tells what the server lacks
    int looked_at = 0;
    const std::vector<ReadUnderLock> found = trial.elsewhere().ReadsUnderLock(trial.revision(), looked_at);
    trial.Exercised("statements looked at", looked_at);
    if (looked_at == 0) {
      trial.NotApplicable("no two statements share a transaction");
      return std::nullopt;
    }
    if (found.empty()) return std::nullopt;
    Finding finding;
    const ReadUnderLock& first = found.front();
    finding.message = fmt::format("the {} reads all of {} while an earlier statement keeps others from writing to it",
                                  Name(first.direction), first.table);
    finding.location = first.read_at;
    for (const ReadUnderLock& one : found) {
      finding.evidence.push_back(fmt::format("{}: {} reads {}, under the {} of {}: {}", one.read_at.ToString(),
                                             Beginning(one.read_by), one.table, one.mode, one.taken_at.ToString(),
                                             Beginning(one.taken_by)));
    }
    finding.hint =
        "end the transaction in between: what is added NOT VALID in one revision is validated in the next one, which "
        "lets others write meanwhile";
    return finding;
  }
};

const Registered<Property, LockSafety> kLockSafety("lock_safety");

}  // namespace

}  // namespace migproof
