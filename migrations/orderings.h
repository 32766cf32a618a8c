// All legal orders of a history: how many there are, each of them, or a fair sample.
//
//   const Orderings orderings(history);
//   orderings.Count();                                   // 6; nothing where that can't be counted
//   orderings.All(120);                                  // every one, the runner's own first; empty where there are
//   more orderings.Draw([&] { return random.Next(); });       // one of them, each as likely as any other
//
// An order is legal where each revision comes after its parents and what it depends on: a linear extension of the
// graph. Pure, as History is. Revisions that every order has at the same place cut the history into stretches; orders
// of the whole are orders of each stretch one behind the other, so each stretch is counted, and drawn from, by itself.
//
// Counting goes over the sets of revisions that can be applied together (ideals): from each of them the number of ways
// on is the sum over the revisions that can come next (Brightwell, Winkler: "Counting linear extensions", 1991). A draw
// that chooses among them by these numbers is exactly uniform. Where a stretch has more than `maximum_ideals`, it is
// drawn from by the chain of Karzanov and Khachiyan ("On the conductance of order Markov chains", 1991): neighbours
// that need not be in this order are exchanged at random, until the order has forgotten where it began.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "migrations/history.h"

namespace migproof {

class Orderings {
 public:
  using Order = std::vector<const Revision*>;
  // Gives 64 bits by chance.
  using Chance = std::function<std::uint64_t()>;

  // The history must live as long as this.
  explicit Orderings(const History& history, std::size_t maximum_ideals = 20'000);

  // How many legal orders there are (exact up to 2^63, then to 18 digits); nothing where a stretch could not be
  // counted.
  std::optional<long double> Count() const;

  // Every legal order, or none where there are more than `limit`. The first is History::Linear().
  std::vector<Order> All(std::size_t limit) const;
  // One of them, uniformly; where Count() gives nothing, as near to that as the chain comes in some million exchanges.
  Order Draw(const Chance& chance) const;
  // Of the revisions that can come next always the one that History::Linear() has last: what is independent comes in
  // the other order as far as it can.
  Order Contrary() const;
  // Whether the order is legal.
  bool IsLegal(const Order& order) const;

  // Where the stretches begin in every order, the first at 0. A stretch of one revision leaves no choice.
  const std::vector<std::size_t>& stretches() const { return stretches_; }
  std::size_t StretchEnd(std::size_t stretch) const {
    return stretch + 1 < stretches_.size() ? stretches_[stretch + 1] : line_.size();
  }

  // Orders from `from` to `to`, each one exchange of neighbours away from the one before; both ends included.
  std::vector<Order> Exchanges(const Order& from, const Order& to) const;

 private:
  using Places = std::vector<std::size_t>;  // revisions by their place in History::Linear()
  using Ideal = std::vector<bool>;          // over the places of a stretch
  struct Stretch {
    bool counted = false;
    std::map<Ideal, long double> ways;  // from each ideal to the whole stretch
  };

  bool Needs(std::size_t later, std::size_t earlier) const { return above_[later][earlier]; }
  void Cut();
  void CountWays(std::size_t stretch, std::size_t maximum_ideals);
  Places Next(const Ideal& done, std::size_t begin) const;
  void DrawCounted(std::size_t stretch, const Chance& chance, Places& order) const;
  void DrawByChain(std::size_t stretch, const Chance& chance, Places& order) const;
  Order Named(const Places& places) const;
  Places PlacesOf(const Order& order) const;

  Order line_;
  std::map<const Revision*, std::size_t> place_;
  std::vector<std::vector<bool>> above_;  // above_[a][b]: a must come after b
  std::vector<Places> direct_;            // what each needs directly
  std::vector<std::size_t> stretches_;
  std::vector<Stretch> counts_;  // by stretch
};

}  // namespace migproof
