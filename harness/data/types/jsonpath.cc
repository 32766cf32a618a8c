#include <fmt/format.h>

#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

class JsonpathGenerator : public RecipeGenerator {
 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    if (type.form != ColumnType::Form::kBase || type.base != "jsonpath") return std::nullopt;
    TypeRecipe recipe;
    recipe.edges = {
        "$",       "strict $",        "$.*",   "$[*]",           "$[0 to 2]",   "$[last]", "$.\"a\".\"b c\"",
        "$.\"é\"", "$?(@.\"a\" > 1)", "1 + 2", "$.\"a\".size()", "$.**{1 to 2}"};
    recipe.random = [](Random& random) {
      std::string path = "$";
      do path += fmt::format(".\"{}\"", RandomWord(random));
      while (random.OneIn(2));
      return path;
    };
    recipe.nth = [](std::uint64_t n) { return fmt::format("$.\"{}\"", NthWord(n)); };
    return recipe;
  }
};

const Registered<ColumnGenerator, JsonpathGenerator> kJsonpath("jsonpath");

}  // namespace

}  // namespace migproof
