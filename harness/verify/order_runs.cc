#include "harness/verify/order_runs.h"

#include <algorithm>
#include <map>
#include <set>

namespace migproof {

namespace {

// Orders that are under way together: each may need a connection and a database of its own.
constexpr std::size_t kTogether = 12;

bool SameDatabase(const Observation& one, const Observation& other) {
  return *one.catalog == *other.catalog && *one.rows == *other.rows &&
         NewRefusals(one.refusals, other.refusals).empty() && NewRefusals(other.refusals, one.refusals).empty();
}

std::set<const Revision*> First(const OrderRuns::Order& order, std::size_t count) {
  return {order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace

OrderRuns::OrderRuns(const Bench& bench, std::unique_ptr<Database> root, std::size_t begin)
    : bench_(bench), root_(std::move(root)), begin_(begin) {}

OrderRuns::Way OrderRuns::Begin(std::vector<std::size_t> orders) const {
  Way way;
  way.orders = std::move(orders);
  way.stand = root_ == nullptr ? std::make_unique<Stand>(bench_.Another())
                               : std::make_unique<Stand>(bench_, Database::Clone(bench_.server(), *root_), begin_);
  return way;
}

void OrderRuns::Step(Way& way, const Revision& revision) {
  ++steps_;
  for (Error& refusal : way.stand->runner().ApplyLeavingOutFailures({Direction::kUpgrade, &revision})) {
    way.refusals.push_back(std::move(refusal));
  }
}

Observation OrderRuns::Look(Way& way) {
  Observation seen = way.stand->Observe();
  seen.refusals = way.refusals;
  return seen;
}

std::vector<Observation> OrderRuns::Ends(const std::vector<Order>& orders, std::size_t end) {
  std::vector<Observation> ends(orders.size());
  std::vector<std::size_t> sorted(orders.size());
  for (std::size_t i = 0; i < sorted.size(); ++i) sorted[i] = i;
  // Neighbours have much in common. By place in the first order: addresses would differ from run to run.
  std::map<const Revision*, std::size_t> place;
  for (std::size_t i = 0; !orders.empty() && i < orders[0].size(); ++i) place[orders[0][i]] = i;
  std::sort(sorted.begin(), sorted.end(), [&](std::size_t a, std::size_t b) {
    return std::lexicographical_compare(
        orders[a].begin(), orders[a].end(), orders[b].begin(), orders[b].end(),
        [&](const Revision* left, const Revision* right) { return place.at(left) < place.at(right); });
  });
  const std::size_t together = root_ == nullptr ? 1 : kTogether;
  for (std::size_t from = 0; from < sorted.size(); from += together) {
    const std::size_t to = std::min(sorted.size(), from + together);
    std::vector<Way> ways;
    ways.push_back(
        Begin({sorted.begin() + static_cast<std::ptrdiff_t>(from), sorted.begin() + static_cast<std::ptrdiff_t>(to)}));
    for (std::size_t depth = begin_; depth < end; ++depth) {
      std::vector<Way> next;
      for (Way& way : ways) {
        for (Way& part : Part(std::move(way), orders, depth)) next.push_back(std::move(part));
      }
      ways = Join(std::move(next), orders, depth + 1);
    }
    for (Way& way : ways) {
      const Observation seen = Look(way);
      for (const std::size_t order : way.orders) ends[order] = seen;
    }
  }
  return ends;
}

// One step further, on as many databases as there are revisions to come next.
std::vector<OrderRuns::Way> OrderRuns::Part(Way way, const std::vector<Order>& orders, std::size_t depth) {
  std::vector<std::pair<const Revision*, std::vector<std::size_t>>> parts;
  for (const std::size_t order : way.orders) {
    const Revision* next = orders[order][depth];
    const auto found = std::find_if(parts.begin(), parts.end(), [&](const auto& part) { return part.first == next; });
    if (found == parts.end()) {
      parts.push_back({next, {order}});
    } else {
      found->second.push_back(order);
    }
  }
  std::vector<Way> ways(parts.size());
  if (parts.size() > 1) {
    const std::unique_ptr<Database> here = way.stand->Release();
    for (std::size_t i = 0; i < parts.size(); ++i) {
      ways[i].stand = std::make_unique<Stand>(bench_, Database::Clone(bench_.server(), *here), depth);
    }
  } else {
    ways[0].stand = std::move(way.stand);
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    ways[i].refusals = way.refusals;
    ways[i].orders = std::move(parts[i].second);
    Step(ways[i], *parts[i].first);
  }
  return ways;
}

std::vector<OrderRuns::Way> OrderRuns::Join(std::vector<Way> ways, const std::vector<Order>& orders,
                                            std::size_t depth) {
  if (ways.size() < 2) return ways;
  std::vector<Way> joined;
  std::vector<std::pair<std::set<const Revision*>, std::optional<Observation>>> seen;  // of those joined
  for (Way& way : ways) {
    const std::set<const Revision*> applied = First(orders[way.orders.front()], depth);
    std::optional<Observation> here;
    bool met = false;
    for (std::size_t i = 0; i < joined.size() && !met; ++i) {
      if (seen[i].first != applied) continue;
      if (!here) here = Look(way);
      if (!seen[i].second) seen[i].second = Look(joined[i]);
      met = SameDatabase(*seen[i].second, *here);
      if (met) joined[i].orders.insert(joined[i].orders.end(), way.orders.begin(), way.orders.end());
    }
    if (met) continue;
    seen.emplace_back(applied, std::move(here));
    joined.push_back(std::move(way));
  }
  return joined;
}

std::vector<Observation> OrderRuns::Trace(const Order& order, std::size_t from) {
  std::vector<Observation> trace;
  Way way = Begin({0});
  for (std::size_t depth = begin_; depth <= order.size(); ++depth) {
    if (depth >= from) trace.push_back(Look(way));
    if (depth < order.size()) Step(way, *order[depth]);
  }
  return trace;
}

}  // namespace migproof
