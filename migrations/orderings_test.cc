#include "migrations/orderings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace migproof {
namespace {

// Revisions by name, each with the names of its parents: {{"a", ""}, {"b", "a"}}. One letter each.
History Graph(const std::vector<std::pair<std::string, std::string>>& nodes) {
  std::vector<Revision> revisions;
  for (const auto& [id, parents] : nodes) {
    Revision revision;
    revision.id = revision.ledger_key = id;
    for (const char parent : parents) revision.parents.emplace_back(1, parent);
    revisions.push_back(std::move(revision));
  }
  return History(std::move(revisions));
}

std::string Spelled(const Orderings::Order& order) {
  std::string ids;
  for (const Revision* revision : order) ids += revision->id;
  return ids;
}

std::vector<std::string> Spelled(const std::vector<Orderings::Order>& orders) {
  std::vector<std::string> all;
  for (const auto& order : orders) all.push_back(Spelled(order));
  return all;
}

Orderings::Chance Seeded(std::mt19937_64& engine) {
  return [&engine] { return engine(); };
}

// The legal orders found by trying every permutation.
std::vector<std::string> Permutations(const History& history) {
  const Orderings orderings(history);
  Orderings::Order order = history.Linear();
  std::sort(order.begin(), order.end());
  std::vector<std::string> legal;
  do {
    if (orderings.IsLegal(order)) legal.push_back(Spelled(order));
  } while (std::next_permutation(order.begin(), order.end()));
  std::sort(legal.begin(), legal.end());
  return legal;
}

// Chi squared of `draws` draws against the uniform distribution over all legal orders.
double ChiSquared(const History& history, std::size_t maximum_ideals, int draws, std::size_t* orders) {
  const Orderings orderings(history, maximum_ideals);
  std::map<std::string, int> counts;
  for (const std::string& order : Permutations(history)) counts[order] = 0;
  std::mt19937_64 engine(7);
  for (int i = 0; i < draws; ++i) ++counts.at(Spelled(orderings.Draw(Seeded(engine))));
  const double expected = static_cast<double>(draws) / static_cast<double>(counts.size());
  double chi = 0;
  for (const auto& [order, count] : counts) chi += std::pow(count - expected, 2) / expected;
  *orders = counts.size();
  return chi;
}

// Two branches of other lengths, a third that needs one of them, a merge of two, and a tail.
History Tangle() { return Graph({{"a", ""}, {"b", "a"}, {"c", "b"}, {"d", "a"}, {"e", "d"}, {"f", "b"}, {"g", "ce"}}); }

TEST(Orderings, OfAChainAreOne) {
  const History history = Graph({{"a", ""}, {"b", "a"}, {"c", "b"}});
  const Orderings orderings(history);
  EXPECT_EQ(orderings.Count(), 1);
  EXPECT_EQ(Spelled(orderings.All(120)), std::vector<std::string>{"abc"});
  EXPECT_EQ(orderings.stretches(), (std::vector<std::size_t>{0, 1, 2}));
}

TEST(Orderings, BeginWithTheRunnersOwn) {
  const History history = Graph({{"a", ""}, {"b", "a"}, {"c", "a"}, {"d", "bc"}});
  const Orderings orderings(history);
  EXPECT_EQ(Spelled(orderings.All(120)), (std::vector<std::string>{"abcd", "acbd"}));
  EXPECT_EQ(Spelled(orderings.Contrary()), "acbd");
  EXPECT_EQ(orderings.stretches(), (std::vector<std::size_t>{0, 1, 3}));
  EXPECT_EQ(orderings.StretchEnd(1), 3u);
}

TEST(Orderings, AreAllPermutationsThatAreLegal) {
  const History history = Tangle();
  const Orderings orderings(history);
  std::vector<std::string> all = Spelled(orderings.All(1000));
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, Permutations(history));
  EXPECT_EQ(orderings.Count(), static_cast<long double>(all.size()));
}

TEST(Orderings, AreNoneWhereThereAreMoreThanTheLimit) {
  const History history = Graph({{"a", ""}, {"b", ""}, {"c", ""}});
  const Orderings orderings(history);
  EXPECT_EQ(orderings.Count(), 6);
  EXPECT_EQ(orderings.All(6).size(), 6u);
  EXPECT_TRUE(orderings.All(5).empty());
}

TEST(Orderings, CountDependencies) {
  std::vector<Revision> revisions(2);
  revisions[0].id = revisions[0].ledger_key = "a";
  revisions[1].id = revisions[1].ledger_key = "b";
  revisions[1].depends_on = {"a"};
  const History history(std::move(revisions));
  EXPECT_EQ(Orderings(history).Count(), 1);
}

TEST(Orderings, AreCountedFarBeyondWhatCanBeListed) {
  std::vector<std::pair<std::string, std::string>> nodes;
  for (char id = 'a'; id < 'a' + 12; ++id) nodes.emplace_back(std::string(1, id), "");
  const History history = Graph(nodes);
  EXPECT_EQ(Orderings(history).Count(), 479001600);  // 12!
  EXPECT_EQ(Orderings(history, 100).Count(), std::nullopt);
}

// Of n orders, chi squared is near n - 1, with a deviation of sqrt(2 (n - 1)).
TEST(Orderings, AreDrawnUniformly) {
  std::size_t orders = 0;
  const double chi = ChiSquared(Tangle(), 20'000, 20'000, &orders);
  ASSERT_GT(orders, 20u);
  const auto freedom = static_cast<double>(orders - 1);
  EXPECT_LT(chi, freedom + 4 * std::sqrt(2 * freedom));
}

TEST(Orderings, AreDrawnUniformlyByTheChainToo) {
  std::size_t orders = 0;
  const double chi = ChiSquared(Tangle(), 3, 20'000, &orders);
  const auto freedom = static_cast<double>(orders - 1);
  EXPECT_LT(chi, freedom + 4 * std::sqrt(2 * freedom));
}

TEST(Orderings, AreReachedByExchangesOfNeighbours) {
  const History history = Tangle();
  const Orderings orderings(history);
  const std::vector<Orderings::Order> path = orderings.Exchanges(history.Linear(), orderings.Contrary());
  EXPECT_EQ(path.front(), history.Linear());
  EXPECT_EQ(path.back(), orderings.Contrary());
  for (std::size_t i = 0; i < path.size(); ++i) {
    EXPECT_TRUE(orderings.IsLegal(path[i])) << Spelled(path[i]);
    if (i == 0) continue;
    Orderings::Order before = path[i - 1];
    const auto at = std::mismatch(before.begin(), before.end(), path[i].begin()).first;
    std::iter_swap(at, at + 1);
    EXPECT_EQ(before, path[i]);
  }
}

}  // namespace
}  // namespace migproof
