// Takes databases along the legal orders of a history, and finds two neighbours that do not commute.
//
//   const OrdersResult result = TryOrders(bench, {.seed = 7});
//   if (result.clash) ... // result.clash->first, then result.clash->second, ends elsewhere than the other way round
//
// All orders are tried where there are at most kMaximumOrders, else as many: the runner's own, the one most contrary to
// it, and a uniform sample (Orderings). Orders share what they have in common: a database is copied where they part,
// and two that hold the same, columns in the same places, after the same revisions go on as one.
//
// Each stretch of the history that leaves a choice is tried once more with generated rows in the tables it touches:
// the runner's own order of it, the most contrary one and a few that are drawn.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/verify/gap.h"
#include "harness/verify/stand.h"

namespace migproof {

inline constexpr std::size_t kMaximumOrders = 120;

struct OrdersOptions {
  std::uint64_t seed = 0;
  int cases = 100;  // of generated rows for each revision; here eight of a hundred, large ones, for each stretch
};

// Two revisions next to each other in an order; exchanged, they lead elsewhere.
struct Clash {
  const Revision* first = nullptr;  // in the order the runner takes them
  const Revision* second = nullptr;
  std::vector<const Revision*> order;  // the whole order, `first` before `second`
  const Revision* shows_at = nullptr;  // the first revision after which the two ways differ; one of the two, or later
  Gap gap;                             // from the end of `order` to that of the order with the two exchanged
  std::vector<std::string> rows;       // INSERT statements line by line, where it takes rows
  const Revision* rows_before = nullptr;  // they go in before this revision
};

struct OrdersResult {
  std::string how;  // "all 6 orders", "120 of 40,320 orders: ...", to be said in a report
  std::int64_t orders = 0;
  std::int64_t legal = 0;      // how many there are; 0 where that can't be counted, or is 10^15 and more
  std::int64_t elsewhere = 0;  // orders that end elsewhere than the runner's own, without rows
  std::int64_t steps = 0;      // upgrades executed
  std::int64_t objects = 0;    // of the catalogs compared
  std::int64_t rows = 0;       // generated
  std::int64_t orders_with_rows = 0;
  std::optional<Clash> clash;
};

// The history must have more than one order.
OrdersResult TryOrders(const Bench& bench, const OrdersOptions& options);

}  // namespace migproof
