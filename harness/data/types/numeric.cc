#include <algorithm>

#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

// `digits` as so many units of 10^-scale: ("999", 2) is 9.99, ("9", -2) is 900, ("9", 3) is 0.009.
std::string Scaled(std::string digits, int scale) {
  if (scale <= 0) return digits + std::string(digits == "0" ? 0 : static_cast<std::size_t>(-scale), '0');
  const auto places = static_cast<std::size_t>(scale);
  if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
  return digits.insert(digits.size() - places, ".");
}

std::string RandomDigits(std::size_t longest, Random& random) {
  const std::uint64_t length = 1 + random.Below(longest);
  std::string digits(1, static_cast<char>('1' + random.Below(9)));
  while (digits.size() < length) digits += static_cast<char>('0' + random.Below(10));
  return digits;
}

std::vector<std::string> SmallerNumerics(const std::string& value) {
  std::vector<std::string> smaller = {"1", "-1"};
  if (value.empty() || value.find_first_of("NIe") != std::string::npos) return smaller;
  std::string plain = value;
  if (plain.front() == '-') smaller.push_back(plain = plain.substr(1));
  const std::size_t point = std::min(plain.find('.'), plain.size());
  const std::string whole = plain.substr(0, point);
  smaller.push_back(whole);
  if (whole.size() > 1) {
    smaller.push_back(whole.substr(0, whole.size() / 2));
    smaller.push_back(whole.substr(0, whole.size() - 1));
  }
  if (point + 1 < plain.size()) smaller.push_back(plain.substr(0, plain.size() - 1));
  for (std::string lower : {whole, plain}) {
    const std::size_t digit = lower.find_first_of("23456789");
    if (digit == std::string::npos) continue;
    lower[digit] = '1';
    smaller.push_back(lower);
  }
  std::erase_if(smaller, [](const std::string& text) { return text.empty() || text.ends_with('.'); });
  return smaller;
}

TypeRecipe Unconstrained() {
  TypeRecipe recipe;
  recipe.edges = {"0",        "1",         "-1",
                  "0.1",      "1.0",       "1.00",
                  "0.00",     "-0.5",      "NaN",
                  "Infinity", "-Infinity", "0.000000000000000000000001",
                  "1e30",     "-1e30",     "99999999999999999999999999999999999999.99999999999999999999"};
  recipe.random = [](Random& random) {
    std::string number = Scaled(RandomDigits(random.OneIn(4) ? 20 : 4, random), static_cast<int>(random.Below(4)));
    return random.OneIn(5) ? "-" + number : number;
  };
  recipe.nth = [](std::uint64_t n) { return std::to_string(n + 1); };
  return recipe;
}

TypeRecipe Constrained(int precision, int scale) {
  const std::string most(static_cast<std::size_t>(precision), '9');
  TypeRecipe recipe;
  recipe.edges = {"0"};
  const auto add = [&](const std::string& text) {
    if (std::find(recipe.edges.begin(), recipe.edges.end(), text) == recipe.edges.end()) recipe.edges.push_back(text);
  };
  if (precision > scale) {
    for (const char* whole : {"1", "-1"}) {
      if (scale >= 0) add(whole);
    }
  }
  for (const std::string& units : {std::string("0"), std::string("1"), std::string("5"), most}) {
    add(Scaled(units, scale));
    if (units != "0") add("-" + Scaled(units, scale));
  }
  add("NaN");
  recipe.random = [=](Random& random) {
    const auto longest = static_cast<std::size_t>(precision);
    const std::string number =
        Scaled(RandomDigits(random.OneIn(4) ? longest : std::min<std::size_t>(longest, 4), random), scale);
    return random.OneIn(5) ? "-" + number : number;
  };
  recipe.nth = [=](std::uint64_t n) -> std::optional<std::string> {
    const std::string count = std::to_string(n + 1);
    // Whole numbers where there are enough of them, else the smallest units.
    const int room = scale >= 0 && precision - scale >= 3 ? precision - scale : precision;
    if (static_cast<int>(count.size()) > room) return std::nullopt;
    return room == precision ? Scaled(count, scale) : count;
  };
  return recipe;
}

class NumericGenerator : public RecipeGenerator {
 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    if (type.form != ColumnType::Form::kBase || type.base != "numeric") return std::nullopt;
    TypeRecipe recipe = type.modifiers.empty()
                            ? Unconstrained()
                            : Constrained(type.modifiers[0], type.modifiers.size() > 1 ? type.modifiers[1] : 0);
    // Where no whole number fits, neither does a shortened one.
    const bool fits = type.modifiers.size() < 2 || (type.modifiers[1] >= 0 && type.modifiers[0] > type.modifiers[1]);
    if (fits) recipe.smaller = SmallerNumerics;
    return recipe;
  }
};

const Registered<ColumnGenerator, NumericGenerator> kNumeric("numeric");

}  // namespace

}  // namespace migproof
