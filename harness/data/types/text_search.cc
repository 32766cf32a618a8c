#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

class TextSearchGenerator : public RecipeGenerator {
 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    const bool vector = type.base == "tsvector";
    if (type.form != ColumnType::Form::kBase || (!vector && type.base != "tsquery")) return std::nullopt;
    TypeRecipe recipe;
    if (vector) {
      recipe.edges = {"",        "a",        "b a a", "a:1",    "a:1A,3B fat:2C,4", "'a b' 'it''s'",
                      "é:1 😀:2", "'\\\\':7", "A a",   "a:16383"};
    } else {
      recipe.edges = {"",        "a",       "!a",  "a & b",         "a | b",   "a & (b | !c)",
                      "a <-> b", "a <3> b", "a:*", "fat:AB & b:*C", "'it''s'", "é"};
    }
    recipe.random = [vector](Random& random) {
      std::string text = RandomWord(random);
      while (random.OneIn(2)) {
        if (vector) text += ":" + std::to_string(1 + random.Below(20));
        text += (vector ? " " : random.OneIn(2) ? " & " : " | ") + RandomWord(random);
      }
      return text;
    };
    recipe.nth = [](std::uint64_t n) { return NthWord(n); };
    return recipe;
  }
};

const Registered<ColumnGenerator, TextSearchGenerator> kTextSearch("text_search");

}  // namespace

}  // namespace migproof
