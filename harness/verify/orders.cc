#include "harness/verify/orders.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "harness/verify/fill.h"
#include "harness/verify/order_runs.h"
#include "harness/verify/replay_source.h"

namespace migproof {

namespace {

using Order = Orderings::Order;

// Sets of rows tried to make those of a clash few.
constexpr int kRowEvaluations = 40;
// A set of rows costs a database for each order, however many they are: few sets, and large ones.
constexpr std::size_t kRowsPerTable = 20;
constexpr int kSetsInAHundred = 8;
// Orders of one stretch that are tried with rows.
constexpr std::size_t kOrdersWithRows = 4;

constexpr long double kShownInFull = 1e15L;

// "40,320", "1.2e+30".
std::string Grouped(long double count) {
  if (count >= kShownInFull) return fmt::format("{:.1e}", static_cast<double>(count));
  std::string digits = fmt::format("{:.0f}", static_cast<double>(count));
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return digits;
}

class OrdersTrial {
 public:
  OrdersTrial(const Bench& bench, const OrdersOptions& options)
      : bench_(bench),
        options_(options),
        orderings_(bench.subject().history()),
        random_(Random(options.seed).Split("orders")),
        line_(bench.subject().order()) {}

  OrdersResult Run() {
    const std::vector<Order> orders = Choose();
    const bool alone = bench_.subject().touches_cluster();
    std::vector<std::size_t> parting;  // stretches that leave a choice
    for (std::size_t i = 0; i < orderings_.stretches().size(); ++i) {
      if (orderings_.StretchEnd(i) - orderings_.stretches()[i] > 1) parting.push_back(i);
    }
    const std::size_t trunk = alone ? 0 : orderings_.stretches()[parting.front()];
    ReplaySource source(bench_);
    OrderRuns runs(bench_, alone ? nullptr : source.At(trunk)->Release(), trunk);
    TryWithoutRows(runs, orders);
    result_.steps += runs.steps();
    if (!alone && !result_.clash && options_.cases > 0) {
      for (const std::size_t stretch : parting) {
        if (!result_.clash && !bench_.OutOfTime()) TryWithRows(stretch, source);
      }
    }
    return std::move(result_);
  }

 private:
  std::vector<Order> Choose() {
    std::vector<Order> orders = orderings_.All(kMaximumOrders);
    if (const auto count = orderings_.Count(); count && *count < kShownInFull) {
      result_.legal = static_cast<std::int64_t>(*count);
    }
    if (!orders.empty()) {
      result_.how = fmt::format("all {} orders", orders.size());
    } else {
      orders = Drawn(kMaximumOrders);
      const auto count = orderings_.Count();
      result_.how =
          count ? fmt::format("{} of {} orders, drawn uniformly", orders.size(), Grouped(*count))
                : fmt::format("{} orders of more than can be counted, drawn by the chain of Karzanov and Khachiyan",
                              orders.size());
    }
    result_.orders = static_cast<std::int64_t>(orders.size());
    return orders;
  }

  // The runner's own, the most contrary one, and others by chance.
  std::vector<Order> Drawn(std::size_t count) {
    std::vector<Order> orders = {line_, orderings_.Contrary()};
    std::set<Order> known(orders.begin(), orders.end());
    for (std::size_t draws = 0; orders.size() < count && draws < 20 * count; ++draws) {
      Order order = orderings_.Draw([&] { return random_.Next(); });
      if (known.insert(order).second) orders.push_back(std::move(order));
    }
    return orders;
  }

  void TryWithoutRows(OrderRuns& runs, const std::vector<Order>& orders) {
    const std::vector<Observation> ends = runs.Ends(orders, line_.size());
    result_.objects += static_cast<std::int64_t>(ends[0].catalog->objects().size() * orders.size());
    const Unsteady unsteady = UnsteadyIfApart(runs, orders[0], ends, line_.size());
    const Order* nearest = nullptr;
    std::size_t exchanges = 0;
    for (std::size_t i = 1; i < orders.size(); ++i) {
      if (GapBetween(ends[0], ends[i], unsteady).empty()) continue;
      ++result_.elsewhere;
      const std::size_t away = orderings_.Exchanges(orders[0], orders[i]).size();
      if (nearest == nullptr || away < exchanges) {
        nearest = &orders[i];
        exchanges = away;
      }
    }
    if (nearest != nullptr) Narrow(runs, *nearest, unsteady);
  }

  // What differs between two runs of the same order; looked at only where something differs at all.
  static Unsteady UnsteadyIfApart(OrderRuns& runs, const Order& order, const std::vector<Observation>& ends,
                                  std::size_t end) {
    const bool apart = std::any_of(ends.begin() + 1, ends.end(),
                                   [&](const Observation& other) { return !GapBetween(ends[0], other, {}).empty(); });
    return apart ? UnsteadyBetween(ends[0], runs.Ends({order}, end)[0]) : Unsteady();
  }

  // From the runner's order to one that ends elsewhere, exchange by exchange: there is a first one that matters.
  void Narrow(OrderRuns& runs, const Order& elsewhere, const Unsteady& unsteady) {
    const std::vector<Order> path = orderings_.Exchanges(line_, elsewhere);
    const Observation home = runs.Ends({path[0]}, line_.size())[0];
    std::size_t same = 0;
    std::size_t other = path.size() - 1;
    while (other - same > 1) {
      const std::size_t middle = (same + other) / 2;
      const bool differs = !GapBetween(home, runs.Ends({path[middle]}, line_.size())[0], unsteady).empty();
      (differs ? other : same) = middle;
    }
    Describe(runs, path[same], path[other], unsteady);
  }

  void Describe(OrderRuns& runs, const Order& order, const Order& exchanged, const Unsteady& unsteady) {
    const auto at =
        static_cast<std::size_t>(std::mismatch(order.begin(), order.end(), exchanged.begin()).first - order.begin());
    Clash clash{.first = order[at], .second = order[at + 1], .order = order, .shows_at = order.back()};
    const std::vector<Observation> one = runs.Trace(order, at + 2);
    const std::vector<Observation> other = runs.Trace(exchanged, at + 2);
    clash.gap = GapBetween(one.back(), other.back(), unsteady);
    for (std::size_t i = 0; i < one.size(); ++i) {
      if (GapBetween(one[i], other[i], unsteady).empty()) continue;
      clash.shows_at = order[at + 1 + i];
      break;
    }
    result_.clash = std::move(clash);
  }

  // The orders of the whole that differ from the runner's within this stretch only.
  std::vector<Order> OrdersWithin(std::size_t stretch) {
    std::set<Order> known;
    std::vector<Order> orders;
    for (const Order& drawn : Drawn(4 * kOrdersWithRows)) {
      Order order = line_;
      for (std::size_t i = orderings_.stretches()[stretch]; i < orderings_.StretchEnd(stretch); ++i)
        order[i] = drawn[i];
      if (known.insert(order).second) orders.push_back(std::move(order));
      if (orders.size() == kOrdersWithRows) break;
    }
    return orders;
  }

  void TryWithRows(std::size_t stretch, ReplaySource& source) {
    const std::size_t begin = orderings_.stretches()[stretch];
    const std::size_t end = orderings_.StretchEnd(stretch);
    const std::unique_ptr<Stand> stand = source.At(begin);
    const Observation before = stand->Observe();
    const auto after = source.At(end)->ObserveCatalog();
    const Drift drift = Compare(*before.catalog, *after);
    std::vector<const Section*> sections;
    for (std::size_t i = begin; i < end; ++i) sections.push_back(&line_[i]->upgrade);
    const Fill fill(stand->session(), bench_.subject(),
                    {*before.catalog, *after, drift.differences, StatementsOf(sections)}, kRowsPerTable);
    if (!fill.possible()) return;
    const std::vector<Order> orders = OrdersWithin(stretch);
    const std::unique_ptr<Database> ground = stand->Release();
    const int cases = std::max(1, options_.cases * kSetsInAHundred / 100);
    for (int number = 0; number < cases && !result_.clash && !bench_.OutOfTime(); ++number) {
      Random random = random_.Split(line_[begin]->id).Split(std::to_string(number));
      const Dataset rows = fill.Draw(random, number == 0);
      TryRows(*ground, *before.catalog, begin, end, orders, rows, fill);
    }
  }

  // `ground` with the rows in it.
  std::unique_ptr<Database> WithRows(const Database& ground, const Catalog& catalog, std::size_t index, Dataset& rows) {
    Stand stand(bench_, Database::Clone(bench_.server(), ground), index);
    rows = PutIn(stand.session(), bench_.subject(), catalog, rows);
    return stand.Release();
  }

  void TryRows(const Database& ground, const Catalog& catalog, std::size_t begin, std::size_t end,
               const std::vector<Order>& orders, Dataset rows, const Fill& fill) {
    OrderRuns runs(bench_, WithRows(ground, catalog, begin, rows), begin);
    result_.rows += static_cast<std::int64_t>(rows.Rows());
    result_.orders_with_rows += static_cast<std::int64_t>(orders.size());
    const std::vector<Observation> ends = runs.Ends(orders, end);
    const Unsteady unsteady = UnsteadyIfApart(runs, line_, ends, end);
    for (std::size_t i = 1; i < orders.size() && !result_.clash; ++i) {
      if (GapBetween(ends[0], ends[i], unsteady).empty()) continue;
      // What follows may bring both to the same end.
      const Unsteady at_end = UnsteadyBetween(runs.Ends({line_}, line_.size())[0], runs.Ends({line_}, line_.size())[0]);
      const std::vector<Observation> heads = runs.Ends({line_, orders[i]}, line_.size());
      if (GapBetween(heads[0], heads[1], at_end).empty()) continue;
      Narrow(runs, orders[i], at_end);
      FewerRows(ground, catalog, begin, rows, fill, at_end);
    }
    result_.steps += runs.steps();
  }

  // The two orders of the clash, with fewer and simpler rows for as long as they end apart.
  void FewerRows(const Database& ground, const Catalog& catalog, std::size_t begin, Dataset rows, const Fill& fill,
                 const Unsteady& unsteady) {
    Order exchanged = result_.clash->order;
    std::iter_swap(std::find(exchanged.begin(), exchanged.end(), result_.clash->first),
                   std::find(exchanged.begin(), exchanged.end(), result_.clash->second));
    int evaluations = 0;
    for (bool simpler = true; simpler && evaluations < kRowEvaluations;) {
      simpler = false;
      rc::Seq<Dataset> candidates = fill.Shrinks(rows);
      while (const auto fewer = candidates.next()) {
        if (++evaluations > kRowEvaluations) break;
        Dataset inserted = *fewer;
        OrderRuns runs(bench_, WithRows(ground, catalog, begin, inserted), begin);
        const std::vector<Observation> ends = runs.Ends({result_.clash->order, exchanged}, line_.size());
        result_.steps += runs.steps();
        if (inserted != *fewer || GapBetween(ends[0], ends[1], unsteady).empty()) continue;
        rows = *fewer;
        simpler = true;
        break;
      }
    }
    OrderRuns runs(bench_, WithRows(ground, catalog, begin, rows), begin);
    Describe(runs, Order(result_.clash->order), exchanged, unsteady);
    for (const std::string& statement : InsertStatements(rows)) {
      for (std::size_t at = 0; at < statement.size();) {
        const std::size_t end = std::min(statement.find('\n', at), statement.size());
        result_.clash->rows.push_back(statement.substr(at, end - at));
        at = end + 1;
      }
    }
    result_.clash->rows_before = line_[begin];
  }

  const Bench& bench_;
  const OrdersOptions& options_;
  const Orderings orderings_;
  Random random_;
  const Order line_;  // the runner's own order
  OrdersResult result_;
};

}  // namespace

OrdersResult TryOrders(const Bench& bench, const OrdersOptions& options) { return OrdersTrial(bench, options).Run(); }

}  // namespace migproof
