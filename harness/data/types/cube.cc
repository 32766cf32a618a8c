#include <fmt/format.h>

#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

class CubeGenerator : public RecipeGenerator {
 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    if (BareName(type) != "cube") return std::nullopt;
    TypeRecipe recipe;
    recipe.edges = {"(0)", "(1)", "(-1.5)", "(1, 2, 3)", "(0, 0),(1, 1)", "(1, 1),(0, 0)", "(1e+300)"};
    recipe.random = [](Random& random) {
      return fmt::format("({}, {}),({}, {})", random.Below(10), random.Below(10), random.Below(100), random.Below(100));
    };
    recipe.nth = [](std::uint64_t n) -> std::optional<std::string> {
      if (n >= 1ULL << 50U) return std::nullopt;
      return fmt::format("({})", n + 1);
    };
    return recipe;
  }
};

const Registered<ColumnGenerator, CubeGenerator> kCube("cube");

}  // namespace

}  // namespace migproof
