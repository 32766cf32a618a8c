#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

class MoneyGenerator : public RecipeGenerator {
 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    if (type.form != ColumnType::Form::kBase || type.base != "money") return std::nullopt;
    TypeRecipe recipe;
    recipe.edges = {"0",
                    "1",
                    "-1",
                    "0.01",
                    "-0.01",
                    "99.99",
                    "-0.50",
                    "1000.00",
                    "1234567.89",
                    "92233720368547758.07",
                    "-92233720368547758.08"};
    recipe.random = [](Random& random) {
      const std::int64_t range = random.OneIn(4) ? 10'000'000 : 100;
      return std::to_string(random.Between(-range / 5, range)) + (random.OneIn(2) ? ".50" : "");
    };
    recipe.nth = [](std::uint64_t n) -> std::optional<std::string> {
      if (n >= 92'233'720'368'547'758ULL) return std::nullopt;
      return std::to_string(n + 1);
    };
    return recipe;
  }
};

const Registered<ColumnGenerator, MoneyGenerator> kMoney("money");

}  // namespace

}  // namespace migproof
