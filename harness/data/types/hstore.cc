#include <fmt/format.h>

#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

class HstoreGenerator : public RecipeGenerator {
 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    if (BareName(type) != "hstore") return std::nullopt;
    TypeRecipe recipe;
    recipe.edges = {"",
                    R"("a"=>"1")",
                    R"("a"=>NULL)",
                    R"("a"=>"NULL", "b"=>"")",
                    R"("b"=>"2", "a"=>"1")",
                    R"("a"=>"1", "a"=>"2")",
                    R"(""=>"", " "=>"=>")",
                    R"("a\"b"=>"c\\d", "é"=>"😀")"};
    recipe.random = [](Random& random) {
      std::string text = fmt::format(R"("{}"=>"{}")", RandomWord(random), random.Below(100));
      while (random.OneIn(2)) text += fmt::format(R"(, "{}"=>NULL)", RandomWord(random));
      return text;
    };
    recipe.nth = [](std::uint64_t n) { return fmt::format(R"("a"=>"{}")", n + 1); };
    return recipe;
  }
};

const Registered<ColumnGenerator, HstoreGenerator> kHstore("hstore");

}  // namespace

}  // namespace migproof
