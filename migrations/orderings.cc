#include "migrations/orderings.h"

#include <algorithm>
#include <cmath>

namespace migproof {

namespace {

// 0 <= result < 1.
long double Fraction(const Orderings::Chance& chance) {
  return static_cast<long double>(chance()) / 18446744073709551616.0L;  // 2^64
}

// Exchanges after which the chain has forgotten where it began: n^3 ln n times 4/pi^2 (Wilson, "Mixing times of lozenge
// tiling and card shuffling Markov chains", 2004), within reason.
std::uint64_t Exchanges(std::size_t revisions) {
  constexpr double kMost = 20e6;
  constexpr double kPi = 3.14159265358979;
  const auto n = static_cast<double>(revisions);
  return static_cast<std::uint64_t>(std::min(kMost, 4 / (kPi * kPi) * n * n * n * std::log(n)) + 1);
}

}  // namespace

Orderings::Orderings(const History& history, std::size_t maximum_ideals) : line_(history.Linear()) {
  for (std::size_t i = 0; i < line_.size(); ++i) place_[line_[i]] = i;
  above_.assign(line_.size(), std::vector<bool>(line_.size()));
  direct_.resize(line_.size());
  for (std::size_t i = 0; i < line_.size(); ++i) {
    for (const auto* names : {&line_[i]->parents, &line_[i]->depends_on}) {
      for (const std::string& name : *names) {
        const std::size_t needed = place_.at(history.Find(name));
        direct_[i].push_back(needed);
        above_[i][needed] = true;
        for (std::size_t j = 0; j < needed; ++j) {
          if (above_[needed][j]) above_[i][j] = true;
        }
      }
    }
  }
  Cut();
  counts_.resize(stretches_.size());
  for (std::size_t stretch = 0; stretch < stretches_.size(); ++stretch) CountWays(stretch, maximum_ideals);
}

// A stretch ends where all that follows needs all that came.
void Orderings::Cut() {
  std::size_t needed_by_all = line_.size();  // how much of the beginning is needed by all from i on
  for (std::size_t i = line_.size(); i-- > 0;) {
    const auto free = std::find(above_[i].begin(), above_[i].end(), false);
    needed_by_all = std::min(needed_by_all, static_cast<std::size_t>(free - above_[i].begin()));
    if (needed_by_all >= i) stretches_.push_back(i);
  }
  std::reverse(stretches_.begin(), stretches_.end());
}

Orderings::Places Orderings::Next(const Ideal& done, std::size_t begin) const {
  Places next;
  for (std::size_t i = 0; i < done.size(); ++i) {
    if (done[i]) continue;
    const Places& needed = direct_[begin + i];
    const bool ready =
        std::all_of(needed.begin(), needed.end(), [&](std::size_t n) { return n < begin || done[n - begin]; });
    if (ready) next.push_back(i);
  }
  return next;
}

void Orderings::CountWays(std::size_t stretch, std::size_t maximum_ideals) {
  const std::size_t begin = stretches_[stretch];
  const std::size_t size = StretchEnd(stretch) - begin;
  Stretch& count = counts_[stretch];
  std::vector<std::map<Ideal, long double>> by_size(size + 1);
  by_size[0][Ideal(size)] = 0;
  std::size_t ideals = 1;
  for (std::size_t applied = 0; applied < size; ++applied) {
    for (const auto& [ideal, ways] : by_size[applied]) {
      for (const std::size_t next : Next(ideal, begin)) {
        Ideal larger = ideal;
        larger[next] = true;
        if (by_size[applied + 1].try_emplace(std::move(larger), 0).second && ++ideals > maximum_ideals) return;
      }
    }
  }
  by_size[size].begin()->second = 1;
  for (std::size_t applied = size; applied-- > 0;) {
    for (auto& [ideal, ways] : by_size[applied]) {
      for (const std::size_t next : Next(ideal, begin)) {
        Ideal larger = ideal;
        larger[next] = true;
        ways += by_size[applied + 1].at(larger);
      }
    }
  }
  for (auto& level : by_size) count.ways.merge(level);
  count.counted = true;
}

std::optional<long double> Orderings::Count() const {
  long double count = 1;
  for (std::size_t stretch = 0; stretch < stretches_.size(); ++stretch) {
    if (!counts_[stretch].counted) return std::nullopt;
    count *= counts_[stretch].ways.at(Ideal(StretchEnd(stretch) - stretches_[stretch]));
  }
  return count;
}

std::vector<Orderings::Order> Orderings::All(std::size_t limit) const {
  std::vector<Order> all;
  Places order;
  Ideal done(line_.size());
  bool too_many = false;
  const std::function<void()> extend = [&] {
    if (order.size() == line_.size()) {
      too_many = all.size() == limit;
      if (!too_many) all.push_back(Named(order));
      return;
    }
    for (const std::size_t next : Next(done, 0)) {
      order.push_back(next);
      done[next] = true;
      extend();
      done[next] = false;
      order.pop_back();
      if (too_many) return;
    }
  };
  extend();
  return too_many ? std::vector<Order>() : all;
}

Orderings::Order Orderings::Draw(const Chance& chance) const {
  Places order;
  for (std::size_t stretch = 0; stretch < stretches_.size(); ++stretch) {
    if (counts_[stretch].counted) {
      DrawCounted(stretch, chance, order);
    } else {
      DrawByChain(stretch, chance, order);
    }
  }
  return Named(order);
}

void Orderings::DrawCounted(std::size_t stretch, const Chance& chance, Places& order) const {
  const std::size_t begin = stretches_[stretch];
  const auto& ways = counts_[stretch].ways;
  Ideal done(StretchEnd(stretch) - begin);
  for (std::size_t applied = 0; applied < done.size(); ++applied) {
    const Places next = Next(done, begin);
    long double rest = Fraction(chance) * ways.at(done);
    for (const std::size_t candidate : next) {
      Ideal larger = done;
      larger[candidate] = true;
      rest -= ways.at(larger);
      if (rest >= 0 && candidate != next.back()) continue;
      done = std::move(larger);
      order.push_back(begin + candidate);
      break;
    }
  }
}

void Orderings::DrawByChain(std::size_t stretch, const Chance& chance, Places& order) const {
  const std::size_t begin = stretches_[stretch];
  const std::size_t size = StretchEnd(stretch) - begin;
  for (std::size_t i = 0; i < size; ++i) order.push_back(begin + i);
  for (std::uint64_t exchange = migproof::Exchanges(size); exchange > 0; --exchange) {
    const std::uint64_t bits = chance();
    if ((bits & 1U) != 0) continue;  // to stay is as likely as to go: else the chain would have a period
    const std::size_t at = begin + (bits >> 1U) % (size - 1);
    if (!Needs(order[at + 1], order[at])) std::swap(order[at], order[at + 1]);
  }
}

Orderings::Order Orderings::Contrary() const {
  Places order;
  Ideal done(line_.size());
  while (order.size() < line_.size()) {
    order.push_back(Next(done, 0).back());
    done[order.back()] = true;
  }
  return Named(order);
}

bool Orderings::IsLegal(const Order& order) const {
  const Places places = PlacesOf(order);
  Ideal done(line_.size());
  for (const std::size_t place : places) {
    const bool ready =
        std::all_of(direct_[place].begin(), direct_[place].end(), [&](std::size_t needed) { return done[needed]; });
    if (!ready || done[place]) return false;
    done[place] = true;
  }
  return places.size() == line_.size();
}

// What `to` has first is brought to the front, neighbour by neighbour: it needs none of those it passes.
std::vector<Orderings::Order> Orderings::Exchanges(const Order& from, const Order& to) const {
  std::vector<Order> path = {from};
  for (std::size_t i = 0; i < to.size(); ++i) {
    Order order = path.back();
    auto at = std::find(order.begin() + static_cast<std::ptrdiff_t>(i), order.end(), to[i]) - order.begin();
    for (; at > static_cast<std::ptrdiff_t>(i); --at) {
      std::swap(order[static_cast<std::size_t>(at)], order[static_cast<std::size_t>(at - 1)]);
      path.push_back(order);
    }
  }
  return path;
}

Orderings::Order Orderings::Named(const Places& places) const {
  Order order;
  for (const std::size_t place : places) order.push_back(line_[place]);
  return order;
}

Orderings::Places Orderings::PlacesOf(const Order& order) const {
  Places places;
  for (const Revision* revision : order) places.push_back(place_.at(revision));
  return places;
}

}  // namespace migproof
