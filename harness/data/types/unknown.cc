#include <algorithm>

#include "harness/data/column_generator.h"

namespace migproof {

namespace {

// What no other generator claims. All that is known of such a type are the values that the catalog holds of it; where
// there are none, "" is tried, which the type may refuse.
class UnknownGenerator : public ColumnGenerator {
 public:
  bool Claims(const ColumnType&) const override { return true; }

  std::string Simplest(const ColumnType& type) const override {
    return type.harvested.empty() ? "" : type.harvested.front();
  }

  std::vector<std::string> Edges(const ColumnType& type) const override { return type.harvested; }

  std::string Draw(const ColumnType& type, Random& random) const override {
    return type.harvested.empty() ? "" : random.Pick(type.harvested);
  }

  std::optional<std::string> Nth(const ColumnType& type, std::uint64_t n) const override {
    return n < type.harvested.size() ? std::optional(type.harvested[n]) : std::nullopt;
  }

  std::vector<std::string> Shrink(const ColumnType& type, const std::string& value) const override {
    return {type.harvested.begin(), std::find(type.harvested.begin(), type.harvested.end(), value)};
  }
};

const Registered<ColumnGenerator, UnknownGenerator> kUnknownType("unknown");

}  // namespace

}  // namespace migproof
