#include <algorithm>

#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

constexpr std::size_t kLongBits = 2'000;

std::string Alternating(std::size_t bits) {
  std::string text(bits, '0');
  for (std::size_t i = 0; i < bits; i += 2) text[i] = '1';
  return text;
}

std::string RandomBits(std::size_t bits, Random& random) {
  std::string text(bits, '0');
  for (char& bit : text) bit = random.OneIn(2) ? '1' : '0';
  return text;
}

std::vector<std::string> SmallerBits(const std::string& value, bool fixed) {
  std::vector<std::string> smaller;
  std::string cleared = value;
  if (const std::size_t one = value.find('1'); one != std::string::npos) {
    cleared[one] = '0';
    smaller.push_back(cleared);
    cleared.assign(value.size(), '0');
    cleared.back() = '1';
    smaller.push_back(cleared);
  }
  if (fixed || value.empty()) return smaller;
  smaller.push_back(value.substr(0, value.size() / 2));
  smaller.push_back(value.substr(1));
  return smaller;
}

TypeRecipe FixedBits(std::size_t bits) {
  std::string first(bits, '0');
  std::string last(bits, '0');
  first.front() = '1';
  last.back() = '1';
  TypeRecipe recipe;
  for (const std::string& edge : {std::string(bits, '0'), last, first, Alternating(bits), std::string(bits, '1')}) {
    if (std::find(recipe.edges.begin(), recipe.edges.end(), edge) == recipe.edges.end()) recipe.edges.push_back(edge);
  }
  recipe.random = [bits](Random& random) { return RandomBits(bits, random); };
  recipe.nth = [bits](std::uint64_t n) -> std::optional<std::string> {
    std::string text(bits, '0');
    std::uint64_t rest = n;
    for (std::size_t i = bits; i-- > 0; rest >>= 1U) text[i] = (rest & 1U) != 0 ? '1' : '0';
    if (rest != 0) return std::nullopt;
    return text;
  };
  recipe.smaller = [](const std::string& value) { return SmallerBits(value, true); };
  return recipe;
}

TypeRecipe VaryingBits(std::size_t most) {
  const std::size_t longest = std::min(most, kLongBits);
  TypeRecipe recipe;
  for (const std::string& edge : {std::string(), std::string("0"), std::string("1"), std::string("00"),
                                  std::string("0001"), Alternating(longest), std::string(longest, '1')}) {
    const bool seen = std::find(recipe.edges.begin(), recipe.edges.end(), edge) != recipe.edges.end();
    if (edge.size() <= longest && !seen) recipe.edges.push_back(edge);
  }
  recipe.random = [longest](Random& random) {
    return RandomBits(random.Below(std::min<std::size_t>(longest, 12) + 1), random);
  };
  recipe.nth = [most](std::uint64_t n) -> std::optional<std::string> {
    std::string text;
    for (std::uint64_t rest = n + 1; rest > 0; rest = (rest - 1) / 2)
      text.insert(text.begin(), (rest - 1) % 2 != 0 ? '1' : '0');
    if (text.size() > most) return std::nullopt;
    return text;
  };
  recipe.smaller = [](const std::string& value) { return SmallerBits(value, false); };
  return recipe;
}

class BitGenerator : public RecipeGenerator {
 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    if (type.form != ColumnType::Form::kBase) return std::nullopt;
    const bool limited = !type.modifiers.empty();
    const std::size_t length = limited ? static_cast<std::size_t>(type.modifiers[0]) : kLongBits;
    if (type.base == "bit") return FixedBits(limited ? length : 1);
    // Quoted, "bit" is the type without a length, as casts make it.
    if (type.base == "bit varying" || type.base == "\"bit\"") return VaryingBits(length);
    return std::nullopt;
  }
};

const Registered<ColumnGenerator, BitGenerator> kBit("bit");

}  // namespace

}  // namespace migproof
