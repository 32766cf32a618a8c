// Databases on their way along several orders at once.
//
//   OrderRuns runs(bench, std::move(root), 3);              // the first three revisions are applied in `root`
//   const std::vector<Observation> ends = runs.Ends(orders, orders.front().size());
//
// What the orders have in common is run once: a database is copied where they part. Where two orders have applied the
// same revisions and left the same database (catalog with the places of columns, and rows), they go on as one.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "harness/verify/stand.h"
#include "migrations/orderings.h"

namespace migproof {

class OrderRuns {
 public:
  using Order = Orderings::Order;

  // All orders have the same first `begin` revisions, and `root` has them applied. Without a root each order is run by
  // itself from the start, on a server of its own.
  OrderRuns(const Bench& bench, std::unique_ptr<Database> root, std::size_t begin);

  // The database after the first `end` revisions of each order; all refusals on the way are with it.
  std::vector<Observation> Ends(const std::vector<Order>& orders, std::size_t end);
  // The database after `from` revisions, and after each one more, to the end.
  std::vector<Observation> Trace(const Order& order, std::size_t from);

  // Upgrades executed so far.
  std::int64_t steps() const { return steps_; }

 private:
  struct Way {
    std::unique_ptr<Stand> stand;
    std::vector<Error> refusals;
    std::vector<std::size_t> orders;  // that go it
  };

  Way Begin(std::vector<std::size_t> orders) const;
  void Step(Way& way, const Revision& revision);
  std::vector<Way> Part(Way way, const std::vector<Order>& orders, std::size_t depth);
  static std::vector<Way> Join(std::vector<Way> ways, const std::vector<Order>& orders, std::size_t depth);
  static Observation Look(Way& way);

  const Bench& bench_;
  std::unique_ptr<Database> root_;
  std::size_t begin_;
  std::int64_t steps_ = 0;
};

}  // namespace migproof
