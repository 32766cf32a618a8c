#include "harness/data/column_generator.h"

#include <algorithm>

namespace migproof {

ColumnGenerator::Source ColumnGenerator::For(const ColumnType& type) const {
  return {[this, type](Random& random) { return Draw(type, random); },
          [this, type](std::uint64_t n) { return Nth(type, n); }};
}

const ColumnGenerator& GeneratorFor(const ColumnType& type) {
  static const std::vector<const ColumnGenerator*> generators = [] {
    std::vector<const ColumnGenerator*> all;
    for (const std::string& name : Registry<ColumnGenerator>::Names()) {
      if (name != "unknown") all.push_back(&Registry<ColumnGenerator>::Get(name));
    }
    std::stable_partition(all.begin(), all.end(), [](const auto* generator) { return generator->GoesFirst(); });
    return all;
  }();
  for (const ColumnGenerator* generator : generators) {
    if (generator->Claims(type)) return *generator;
  }
  return Registry<ColumnGenerator>::Get("unknown");
}

}  // namespace migproof
