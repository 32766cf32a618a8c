#include "harness/verify/replay_source.h"

#include <algorithm>

namespace migproof {

namespace {

constexpr std::size_t kStage = 40;  // revisions between two copies that are kept: a copy costs about as much

}  // namespace

std::unique_ptr<Stand> ReplaySource::At(std::size_t index) {
  if (bench_.subject().touches_cluster()) {
    auto stand = std::make_unique<Stand>(bench_.Another());
    stand->UpgradeTo(index);
    return stand;
  }
  if (database_ != nullptr && index_ > index) GoBack(index);
  if (database_ == nullptr) database_ = bench_.Fresh();
  while (index_ < index) {
    const std::size_t stage = keeps_stages_ ? std::min(index, (index_ / kStage + 1) * kStage) : index;
    Stand stand(bench_, std::move(database_), index_);
    stand.UpgradeTo(stage);
    stand.ObserveCatalog();  // remembered for whoever looks at a copy
    database_ = stand.Release();
    index_ = stage;
    if (keeps_stages_ && stage % kStage == 0) stages_[stage] = Database::Clone(bench_.server(), *database_);
  }
  return std::make_unique<Stand>(bench_, Database::Clone(bench_.server(), *database_), index);
}

// To the last stage that is not above `index`. Who goes back once will go back again: stages are kept from here on.
void ReplaySource::GoBack(std::size_t index) {
  keeps_stages_ = true;
  database_ = nullptr;
  index_ = 0;
  auto above = stages_.upper_bound(index);
  if (above == stages_.begin()) return;
  --above;
  index_ = above->first;
  database_ = Database::Clone(bench_.server(), *above->second);
}

}  // namespace migproof
