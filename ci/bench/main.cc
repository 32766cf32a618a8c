// bench [NAME...]: takes the measurements (all, or those named) and prints a line for each; ends with 1 when one is
// over its limit.
#include <fmt/format.h>

#include <exception>
#include <string>
#include <vector>

#include "ci/bench/bench.h"

namespace migproof {
namespace {

std::string Over(double value, double limit) {
  return limit > 0 && value > limit ? fmt::format("  OVER its limit of {:g}", limit) : "";
}

// True when it is within its limits.
bool Take(const std::string& name) {
  const Measurement& measurement = Registry<Measurement>::Get(name);
  if (const std::string why = measurement.WhyNot(); !why.empty()) {
    fmt::print("{:<20} not taken: {}\n", name, why);
    return true;
  }
  std::vector<double> ours;
  std::vector<double> plain;
  std::vector<double> ratios;
  for (int i = 0; i < measurement.rounds(); ++i) {
    const Round round = measurement.Measure();
    ours.push_back(round.ours_ms);
    plain.push_back(round.plain_ms);
    ratios.push_back(round.ours_ms / round.plain_ms);
  }
  const Limits limits = measurement.limits();
  const std::string over = Over(Median(ours), limits.ours_ms) + Over(Median(ratios), limits.ratio);
  fmt::print("{:<20} {:>10.1f} {:>10.1f} {:>8.3f}  {}{}\n", name, Median(ours), Median(plain), Median(ratios),
             measurement.Summary(), over);
  std::fflush(stdout);
  return over.empty();
}

}  // namespace
}  // namespace migproof

int main(int argc, char** argv) {
  try {
    std::vector<std::string> names(argv + 1, argv + argc);
    if (names.empty()) names = migproof::Registry<migproof::Measurement>::Names();
    fmt::print("{:<20} {:>10} {:>10} {:>8}  (medians)\n", "measurement", "ours ms", "plain ms", "ratio");
    bool within = true;
    for (const std::string& name : names) within = migproof::Take(name) && within;
    return within ? 0 : 1;
  } catch (const migproof::Error& e) {
    fmt::print(stderr, "{}\n", e.Render());
  } catch (const std::exception& e) {
    fmt::print(stderr, "error: {}\n", e.what());
  }
  return 2;
}
