#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

class CitextGenerator : public RecipeGenerator {
 protected:
  // As text: its progression holds no two that differ by case alone.
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    if (BareName(type) != "citext") return std::nullopt;
    return TextRecipe(1'000'000, 1'000'000);
  }
};

const Registered<ColumnGenerator, CitextGenerator> kCitext("citext");

}  // namespace

}  // namespace migproof
