#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

constexpr std::size_t kAnyLength = 1'000'000;
constexpr std::size_t kNameBytes = 63;  // NAMEDATALEN less one

class TextGenerator : public RecipeGenerator {
 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    if (type.form != ColumnType::Form::kBase) return std::nullopt;
    const std::size_t length = type.modifiers.empty() ? kAnyLength : static_cast<std::size_t>(type.modifiers[0]);
    for (const char* name : {"text", "character varying", "character", "bpchar", "refcursor"}) {
      if (type.base == name) return TextRecipe(length, kAnyLength);
    }
    if (type.base == "name") return TextRecipe(kNameBytes, kNameBytes);
    if (type.base == "\"char\"") return SingleByte();
    return std::nullopt;
  }

 private:
  static TypeRecipe SingleByte() {
    TypeRecipe recipe;
    recipe.edges = {"", "a", "A", " ", "0", "z", "~", "'", "\"", "\\", ","};
    recipe.random = [](Random& random) { return std::string(1, static_cast<char>('!' + random.Below(94))); };
    recipe.nth = [](std::uint64_t n) -> std::optional<std::string> {
      if (n >= 26) return std::nullopt;
      return NthWord(n);
    };
    return recipe;
  }
};

const Registered<ColumnGenerator, TextGenerator> kTextType("text");

}  // namespace

}  // namespace migproof
