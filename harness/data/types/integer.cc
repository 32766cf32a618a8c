#include <algorithm>
#include <cstdlib>
#include <limits>

#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

struct IntegerLimits {
  std::int64_t low;
  std::int64_t high;
};

std::optional<IntegerLimits> LimitsOf(const std::string& base) {
  if (base == "smallint") return IntegerLimits{-32'768, 32'767};
  if (base == "integer") return IntegerLimits{-2'147'483'648, 2'147'483'647};
  if (base == "bigint") {
    return IntegerLimits{std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
  }
  if (base == "oid") return IntegerLimits{0, 4'294'967'295};
  return std::nullopt;
}

std::vector<std::string> SmallerIntegers(const std::string& value, std::int64_t high) {
  const std::int64_t number = std::strtoll(value.c_str(), nullptr, 10);
  // Where another row has the simplest one, the next will do: halves alone take sixty steps to get there.
  std::vector<std::string> smaller = {"1", "2", std::to_string(number / 2),
                                      std::to_string(number - (number > 0 ? 1 : -1))};
  if (number < 0 && number >= -high) smaller.push_back(std::to_string(-number));
  return smaller;
}

class IntegerGenerator : public RecipeGenerator {
 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    const auto limits = type.form == ColumnType::Form::kBase ? LimitsOf(type.base) : std::nullopt;
    if (!limits) return std::nullopt;
    const auto [low, high] = *limits;
    TypeRecipe recipe;
    for (const std::int64_t edge :
         {std::int64_t{0}, std::int64_t{1}, std::int64_t{2}, std::int64_t{-1}, std::int64_t{255}, std::int64_t{32'767},
          std::int64_t{-32'768}, std::int64_t{32'768}, std::int64_t{2'147'483'647}, std::int64_t{-2'147'483'648},
          std::int64_t{2'147'483'648}, std::int64_t{9'007'199'254'740'993}, high - 1, high, low + 1, low}) {
      const std::string text = std::to_string(edge);
      const bool seen = std::find(recipe.edges.begin(), recipe.edges.end(), text) != recipe.edges.end();
      if (edge >= low && edge <= high && !seen) recipe.edges.push_back(text);
    }
    recipe.random = [=, low = low, high = high](Random& random) {
      const bool small = !random.OneIn(4);
      return std::to_string(random.Between(std::max<std::int64_t>(low, small ? -20 : low),
                                           std::min<std::int64_t>(high, small ? 100 : high)));
    };
    recipe.nth = [high = high](std::uint64_t n) -> std::optional<std::string> {
      if (n >= static_cast<std::uint64_t>(high)) return std::nullopt;
      return std::to_string(n + 1);
    };
    recipe.smaller = [high = high](const std::string& value) { return SmallerIntegers(value, high); };
    return recipe;
  }
};

const Registered<ColumnGenerator, IntegerGenerator> kInteger("integer");

}  // namespace

}  // namespace migproof
