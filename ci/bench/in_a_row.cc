#include "ci/bench/in_a_row.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "ci/bench/bench.h"

namespace migproof {
namespace {

constexpr double kAlone = 1.12;     // times the fastest loop: a core that is shared takes 1.3 times as long
constexpr int kMostStretches = 20;  // of those that are taken again

// What a fixed loop takes that keeps all of a core's arithmetic busy, in milliseconds. It touches no memory.
double BusyLoop() {
  static volatile std::uint64_t begin_and_end = 1;
  return Milliseconds([] {
    std::array<std::uint64_t, 8> lanes{};
    for (std::uint64_t& lane : lanes) lane = begin_and_end + static_cast<std::uint64_t>(&lane - lanes.data());
    for (int i = 0; i < 3000; ++i) {
      for (std::uint64_t& lane : lanes) {
        lane ^= lane << 13U;
        lane ^= lane >> 7U;
        lane ^= lane << 17U;
      }
    }
    std::uint64_t end = 0;
    for (const std::uint64_t lane : lanes) end ^= lane;
    begin_and_end = end;
  });
}

struct Counted {
  int measured = 0;
  int left_out = 0;
};

Counted& Counts() {
  static Counted counts;
  return counts;
}

}  // namespace

double MedianInARow(int times, const std::function<double()>& measure) {
  static double fastest = BusyLoop();
  for (int stretch = 1;; ++stretch) {
    std::vector<std::pair<double, double>> took;  // and the slower of the loops before and after it
    double before = BusyLoop();
    for (int i = 0; i < times; ++i) {
      const double one = measure();
      const double after = BusyLoop();
      took.emplace_back(one, std::max(before, after));
      fastest = std::min({fastest, before, after});
      before = after;
    }
    std::vector<double> all;
    std::vector<double> alone;
    for (const auto& [one, loop] : took) {
      all.push_back(one);
      if (loop <= kAlone * fastest) alone.push_back(one);
    }
    Counts().measured += times;
    if (2 * alone.size() > all.size()) {
      Counts().left_out += times - static_cast<int>(alone.size());
      return Median(std::move(alone));
    }
    if (stretch == kMostStretches) return Median(std::move(all));
    Counts().left_out += times;
  }
}

std::string LeftOut() {
  const Counted counts = std::exchange(Counts(), {});
  if (counts.left_out == 0) return "";
  return fmt::format("; {:.0f} % left out: the core was shared", 100.0 * counts.left_out / counts.measured);
}

}  // namespace migproof
