#include <fmt/format.h>

#include "harness/verify/walk.h"

namespace migproof {

std::unique_ptr<Stand> ReplaySource::At(std::size_t index) {
  if (subject().touches_cluster()) {
    another_ = bench_.Another();
    auto stand = std::make_unique<Stand>(*another_, another_->Fresh(), 0);
    stand->UpgradeTo(index);
    return stand;
  }
  if (database_ == nullptr || index_ > index) {
    database_ = bench_.Fresh();
    index_ = 0;
  }
  if (index_ < index) {
    Stand stand(bench_, std::move(database_), index_);
    stand.UpgradeTo(index);
    database_ = stand.Release();
    index_ = index;
  }
  return std::make_unique<Stand>(bench_, Database::Clone(bench_.server(), *database_), index);
}

Replay::Replay(ReplaySource& source, const Revision& revision) : source_(source), revision_(revision) {}

void Replay::Restart() {
  stand_.reset();
  stand_ = source_.At(source_.subject().IndexOf(revision_));
  path_.clear();
}

const Observation& Replay::After(const std::vector<Move>& path) {
  if (const auto found = seen_.find(path); found != seen_.end()) return found->second;
  const bool continues = stand_ != nullptr && path_.size() <= path.size() &&
                         std::equal(path_.begin(), path_.end(), path.begin()) && !seen_[path_].refused();
  if (!continues) Restart();
  if (!seen_.contains({})) seen_[{}] = stand_->Observe();
  const Observation* last = &seen_[path_];
  while (path_.size() < path.size()) {
    last = &Extend(path[path_.size()]);
    // A refused upgrade goes on without the refused statements; any other refused move ends the path.
    if (last->refused() && last->catalog == nullptr) return seen_[path] = *last;
  }
  return *last;
}

const Observation& Replay::Extend(Move move) {
  Observation seen;
  std::vector<Error> refusals;
  if (path_.empty() && move == Move::kUpgrade) {
    refusals = stand_->UpgradeNext();
  } else {
    refusals = stand_->Apply(move, revision_);
  }
  path_.push_back(move);
  const bool ended = !refusals.empty() && (move == Move::kDowngrade || stand_->RefusalsOf(stand_->index() - 1).empty());
  if (!ended) seen = stand_->Observe();
  seen.refusals = std::move(refusals);
  return seen_[path_] = std::move(seen);
}

const UnstableColumns& Replay::Unstable() {
  if (unstable_) return *unstable_;
  const Observation once = After({Move::kUpgrade});
  stand_.reset();
  const auto again = source_.At(source_.subject().IndexOf(revision_));
  again->UpgradeNext();
  unstable_ = UnstableBetween(*once.rows, *again->Observe().rows);
  return *unstable_;
}

// Laws ask these of the history as a whole, which is never replayed: its moves have real commits already.
const Observation& Replay::AtHeads() { throw Error(ErrorKind::kInternal, "a replay is about one revision"); }
const Observation& Replay::AfterUpgradeAtHeads() { return AtHeads(); }
const DescentResult& Replay::Descent() { throw Error(ErrorKind::kInternal, "a replay is about one revision"); }
const Catalog& Replay::Model() { throw Error(ErrorKind::kInternal, "a replay is about one revision"); }

}  // namespace migproof
