#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

class LtreeGenerator : public RecipeGenerator {
 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    const std::string name = BareName(type);
    TypeRecipe recipe;
    if (name == "ltree") {
      recipe.edges = {"", "a", "A", "a.b", "b.a", "a.a.a", "Top.Science.Astronomy_2", "0", std::string(255, 'x')};
    } else if (name == "lquery") {
      recipe.edges = {"*", "a", "a.b", "a.*", "*.b.*", "*{1,2}.c", "a|b.c", "!a.b", "a*.b@"};
    } else if (name == "ltxtquery") {
      recipe.edges = {"a", "a & b", "a | b", "!a", "a* & (b@ | c)"};
    } else {
      return std::nullopt;
    }
    recipe.random = [path = name != "ltxtquery"](Random& random) {
      std::string text = RandomWord(random);
      while (random.OneIn(2)) text += (path ? "." : " & ") + RandomWord(random);
      return text;
    };
    recipe.nth = [](std::uint64_t n) { return NthWord(n); };
    return recipe;
  }
};

const Registered<ColumnGenerator, LtreeGenerator> kLtree("ltree");

}  // namespace

}  // namespace migproof
