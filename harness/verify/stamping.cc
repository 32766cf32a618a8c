#include "harness/verify/stamping.h"

#include <algorithm>

namespace migproof {

namespace {

std::vector<std::string> Entries(Session& session, const Subject& subject) {
  std::vector<std::string> lines;
  for (const LedgerEntry& entry : subject.ledger().Read(session, subject.history())) {
    lines.push_back(entry.revision + (entry.checksum.empty() ? "" : " " + entry.checksum) +
                    (entry.dirty ? " (dirty)" : ""));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace

StampedLedger Stamping::At(std::size_t index) {
  const Subject& subject = bench_.subject();
  if (stand_ != nullptr && stand_->index() < index) stand_->UpgradeTo(index);
  if (stand_ == nullptr || stand_->index() != index) stand_ = source_.At(index);
  StampedLedger ledger;
  ledger.before = stand_->Observe();
  ledger.replayed = Entries(stand_->session(), subject);
  History::Applied applied;
  for (std::size_t i = 0; i < index; ++i) applied.insert(subject.order()[i]->id);
  stand_->runner().Stamp({});
  stand_->runner().Stamp(applied);
  ledger.stamped = Entries(stand_->session(), subject);
  ledger.after = stand_->Observe();
  if (ledger.stamped != ledger.replayed) stand_.reset();  // what comes next is to be replayed
  return ledger;
}

}  // namespace migproof
