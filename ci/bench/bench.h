// The benchmark: a table of named measurements, each of ours beside something that does the same in the plain way, in
// one run on one machine. Milliseconds depend on the machine, the ratio hardly.
//
//   class WarmStart : public Measurement { ... };
//   const Registered<Measurement, WarmStart> kWarmStart("warm_start");
//
// A file here may register several.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "migrations/registry.h"

namespace migproof {

// What both sides of one round took.
struct Round {
  double ours_ms = 0;
  double plain_ms = 0;
};

// What a measurement must keep to; 0 is no limit.
struct Limits {
  double ours_ms = 0;
  double ratio = 0;  // ours / plain
};

class Measurement {
 public:
  virtual ~Measurement() = default;

  // "a server, ready for connections, against initdb and pg_ctl -w start"
  virtual std::string_view Summary() const = 0;
  // Prepares what is not to be measured, then takes one round. Rounds follow each other; the medians count.
  virtual Round Measure() const = 0;
  virtual int rounds() const { return 9; }
  // Why it can't be taken on this machine; "" where it can.
  virtual std::string WhyNot() const { return ""; }
  virtual Limits limits() const { return {}; }
};

template <>
struct RegistryNoun<Measurement> {
  static constexpr const char* kNoun = "measurement";
};

// What `work` takes, in milliseconds.
template <typename Work>
double Milliseconds(const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

inline double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// The median of `times` that follow each other, for what is done so: what one leaves in the CPU's caches serves the
// next. With the other side between them each would begin with what that one left. `measure` returns milliseconds.
template <typename Measure>
double MedianInARow(int times, const Measure& measure) {
  std::vector<double> took;
  for (int i = 0; i < times; ++i) took.push_back(measure());
  return Median(std::move(took));
}

}  // namespace migproof
