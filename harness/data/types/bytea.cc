#include <fmt/format.h>

#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

std::string RandomBytes(std::size_t bytes, Random& random) {
  std::string text = "\\x";
  for (std::size_t i = 0; i < bytes; ++i) text += fmt::format("{:02x}", random.Below(256));
  return text;
}

std::vector<std::string> SmallerBytes(const std::string& value) {
  if (!value.starts_with("\\x")) return {};
  const std::size_t bytes = (value.size() - 2) / 2;
  std::vector<std::string> smaller = {"\\x00"};
  if (bytes == 0) return smaller;
  smaller.push_back(value.substr(0, 2 + bytes / 2 * 2));
  smaller.push_back(value.substr(0, value.size() - 2));
  smaller.push_back("\\x" + value.substr(4));
  smaller.push_back("\\x" + std::string(bytes * 2, '0'));
  return smaller;
}

class ByteaGenerator : public RecipeGenerator {
 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    if (type.form != ColumnType::Form::kBase || type.base != "bytea") return std::nullopt;
    TypeRecipe recipe;
    static const std::string long_one = [] {
      Random fixed(1);
      return RandomBytes(2'800, fixed);
    }();
    recipe.edges = {"\\x",     "\\x00",   "\\x61", "\\xff",   "\\x0000", "\\x00ff",
                    "\\x5c78", "\\xc3a9", "\\x27", "\\x0d0a", long_one};
    recipe.random = [](Random& random) { return RandomBytes(random.Below(random.OneIn(4) ? 40 : 6), random); };
    recipe.nth = [](std::uint64_t n) {
      std::string digits = fmt::format("{:x}", n + 1);
      return "\\x" + (digits.size() % 2 != 0 ? "0" + digits : digits);
    };
    recipe.smaller = SmallerBytes;
    return recipe;
  }
};

const Registered<ColumnGenerator, ByteaGenerator> kBytea("bytea");

}  // namespace

}  // namespace migproof
