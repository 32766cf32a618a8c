// The benchmark: a table of named measurements, each of ours beside something that does the same in the plain way, in
// one run on one machine. Milliseconds depend on the machine, the ratio hardly.
//
//   class WarmStart : public Measurement { ... };
//   const Registered<Measurement, WarmStart> kWarmStart("warm_start");
//
// A file here may register several.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

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

}  // namespace migproof
