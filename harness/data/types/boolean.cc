#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

class BooleanGenerator : public RecipeGenerator {
 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    if (type.form != ColumnType::Form::kBase || type.base != "boolean") return std::nullopt;
    return TypeRecipe{.edges = {"f", "t"}};
  }
};

const Registered<ColumnGenerator, BooleanGenerator> kBoolean("boolean");

}  // namespace

}  // namespace migproof
