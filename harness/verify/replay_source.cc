#include "harness/verify/replay_source.h"

namespace migproof {

std::unique_ptr<Stand> ReplaySource::At(std::size_t index) {
  if (bench_.subject().touches_cluster()) {
    auto stand = std::make_unique<Stand>(bench_.Another());
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

}  // namespace migproof
