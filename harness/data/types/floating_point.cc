#include <cmath>
#include <cstdlib>

#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

std::vector<std::string> SmallerFloats(const std::string& value) {
  const double number = std::strtod(value.c_str(), nullptr);
  std::vector<std::string> smaller = {"1", "-1", "0.1"};
  if (std::isfinite(number) && std::fabs(number) < 1e15) {
    const auto whole = static_cast<std::int64_t>(number);
    for (const std::int64_t next : {whole, whole / 2, -whole}) smaller.push_back(std::to_string(next));
  }
  return smaller;
}

class FloatingPointGenerator : public RecipeGenerator {
 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    const bool real = type.base == "real";
    if (type.form != ColumnType::Form::kBase || (!real && type.base != "double precision")) return std::nullopt;
    TypeRecipe recipe;
    recipe.edges = {"0", "1", "-1", "0.1", "-0", "NaN", "Infinity", "-Infinity", "1e-07", "123456.79", "16777217"};
    // The least and largest magnitudes, the least normal one, and one digit more than is exact.
    if (real) {
      recipe.edges.insert(recipe.edges.end(), {"1e-45", "1.1754944e-38", "3.4028235e+38", "-3.4028235e+38"});
    } else {
      recipe.edges.insert(recipe.edges.end(), {"5e-324", "2.2250738585072014e-308", "1.7976931348623157e+308",
                                               "-1.7976931348623157e+308", "9007199254740993", "0.30000000000000004"});
    }
    recipe.random = [](Random& random) {
      const std::int64_t range = random.OneIn(4) ? 10'000'000 : 100;
      std::string number = std::to_string(random.Between(-range / 5, range));
      if (random.OneIn(2)) number += "." + std::to_string(random.Below(1000));
      return number;
    };
    recipe.nth = [real](std::uint64_t n) -> std::optional<std::string> {
      const std::uint64_t exact = real ? 1ULL << 24U : 1ULL << 53U;
      if (n >= exact) return std::nullopt;
      return std::to_string(n + 1);
    };
    recipe.smaller = SmallerFloats;
    return recipe;
  }
};

const Registered<ColumnGenerator, FloatingPointGenerator> kFloatingPoint("floating_point");

}  // namespace

}  // namespace migproof
