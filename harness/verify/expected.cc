#include "harness/verify/expected.h"

#include <algorithm>

#include "harness/verify/walk.h"

namespace migproof {

namespace {

// Whether nothing counts that tells the two apart. Names that the server chose count: what comes back under another
// one is a downgrade's fault.
bool IsRestored(const Revision& revision, const Observation& was, const Observation& is) {
  if (was.catalog == nullptr || is.catalog == nullptr) return false;
  if (was.catalog != is.catalog) {
    for (const Difference& difference : Compare(*was.catalog, *is.catalog).Findings()) {
      const bool left = difference.change == Difference::Change::kExtra && FindLeaves(revision, difference.object);
      if (!left) return false;
    }
  }
  return CompareRowsOfSharedTables(was, is).empty();
}

}  // namespace

Expected::Expected(const Bench& bench)
    : own_bench_(bench.subject().touches_cluster() ? bench.Another() : nullptr),
      bench_(own_bench_ ? *own_bench_ : bench),
      source_(bench_) {
  GoUp();
}

Expected::~Expected() = default;

void Expected::GoUp() {
  Walk walk(bench_, false);
  const auto& order = bench_.subject().order();
  std::vector<Error> refusals;
  for (std::size_t i = 0; i < order.size(); ++i) {
    walk.GoTo(i);
    line_.push_back(walk.Before());
    line_.back().refusals = std::move(refusals);
    const Observation upgraded = walk.After({Move::kUpgrade});
    if (!upgraded.refused()) steps_.push_back({Direction::kUpgrade, order[i]});
    refusals = upgraded.refusals;
    const Revision& revision = *order[i];
    if (!revision.downgrade || revision.Declares("irreversible")) continue;
    const Observation downgraded = walk.After({Move::kUpgrade, Move::kDowngrade});
    if (downgraded.refused()) {
      ++left_out_;
      continue;
    }
    steps_.push_back({Direction::kDowngrade, &revision});
    bool restored = IsRestored(revision, line_.back(), downgraded);
    if (restored) {
      const Observation& again = walk.After({Move::kUpgrade, Move::kDowngrade, Move::kUpgrade});
      restored = NewRefusals(again.refusals, refusals).empty() && IsRestored(revision, upgraded, again);
    }
    steps_.push_back({Direction::kUpgrade, &revision});
    if (restored) {
      can_go_down_.insert(&revision);
    } else {
      ++left_out_;
    }
  }
  walk.GoTo(order.size());
  line_.push_back(walk.Before());
  line_.back().refusals = std::move(refusals);
}

std::size_t Expected::AlongTheLine(const Sequence& applied) const {
  const auto& order = bench_.subject().order();
  return static_cast<std::size_t>(std::mismatch(applied.begin(), applied.end(), order.begin(), order.end()).first -
                                  applied.begin());
}

Observation Expected::Run(Stand& stand, const Sequence& applied, std::size_t from) {
  std::vector<Error> refusals;
  for (std::size_t i = from; i < applied.size(); ++i) {
    refusals = stand.runner().ApplyLeavingOutFailures({Direction::kUpgrade, applied[i]});
  }
  Observation seen = stand.Observe();
  seen.refusals = std::move(refusals);
  return seen;
}

const Observation& Expected::After(const Sequence& applied) {
  const std::size_t along = AlongTheLine(applied);
  if (along == applied.size()) return line_[along];
  if (const auto found = others_.find(applied); found != others_.end()) return found->second;
  return others_[applied] = Run(*source_.At(along), applied, along);
}

const std::vector<Error>& Expected::InItsPlace(const Revision& revision) const {
  return line_.at(bench_.subject().IndexOf(revision) + 1).refusals;
}

const Unsteady& Expected::UnsteadyAfter(const Sequence& applied) {
  if (const auto found = unsteady_.find(applied); found != unsteady_.end()) return found->second;
  const std::unique_ptr<Stand> stand = ReplaySource(bench_).At(0);
  return unsteady_[applied] = UnsteadyBetween(After(applied), Run(*stand, applied, 0));
}

}  // namespace migproof
