#include <algorithm>

#include "harness/data/column_generator.h"

namespace migproof {

namespace {

// The first label is the simplest. An enum may have no label, and so no value: then "" stands for it, which the server
// refuses.
class EnumGenerator : public ColumnGenerator {
 public:
  bool Claims(const ColumnType& type) const override { return type.form == ColumnType::Form::kEnum; }

  std::string Simplest(const ColumnType& type) const override { return type.labels.empty() ? "" : type.labels.front(); }

  std::vector<std::string> Edges(const ColumnType& type) const override { return type.labels; }

  std::string Draw(const ColumnType& type, Random& random) const override {
    return type.labels.empty() ? "" : random.Pick(type.labels);
  }

  std::optional<std::string> Nth(const ColumnType& type, std::uint64_t n) const override {
    return n < type.labels.size() ? std::optional(type.labels[n]) : std::nullopt;
  }

  std::vector<std::string> Shrink(const ColumnType& type, const std::string& value) const override {
    return {type.labels.begin(), std::find(type.labels.begin(), type.labels.end(), value)};
  }
};

const Registered<ColumnGenerator, EnumGenerator> kEnum("enum");

}  // namespace

}  // namespace migproof
