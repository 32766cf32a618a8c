#include <fmt/format.h>

#include <map>

#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

// How a number of the kind begins and ends, written with 13 digits, and how many digits between are free.
struct NumberShape {
  const char* head;
  int free_digits;
  const char* tail;
};

const std::map<std::string, NumberShape>& NumberShapes() {
  static const std::map<std::string, NumberShape> shapes = {
      {"ean13", {"400", 9, ""}}, {"isbn13", {"978", 9, ""}},   {"isbn", {"978", 9, ""}},   {"ismn13", {"9790", 8, ""}},
      {"ismn", {"9790", 8, ""}}, {"issn13", {"977", 7, "00"}}, {"issn", {"977", 7, "00"}}, {"upc", {"0", 11, ""}},
  };
  return shapes;
}

std::uint64_t PowerOfTen(int digits) {
  std::uint64_t power = 1;
  for (int i = 0; i < digits; ++i) power *= 10;
  return power;
}

// The last digit makes the sum, every second digit counted three times, a multiple of ten.
std::string NumberOf(const NumberShape& shape, std::uint64_t n) {
  std::string digits = shape.head + fmt::format("{:0{}}", n, shape.free_digits) + shape.tail;
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) sum += (digits[i] - '0') * (i % 2 == 0 ? 1 : 3);
  return digits + static_cast<char>('0' + (10 - sum % 10) % 10);
}

class IsnGenerator : public RecipeGenerator {
 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    const auto found = NumberShapes().find(BareName(type));
    if (found == NumberShapes().end()) return std::nullopt;
    const NumberShape shape = found->second;
    const std::uint64_t count = PowerOfTen(shape.free_digits);
    TypeRecipe recipe;
    for (const std::uint64_t n : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{10}, count / 2, count - 1}) {
      recipe.edges.push_back(NumberOf(shape, n));
    }
    recipe.random = [=](Random& random) { return NumberOf(shape, random.Below(count)); };
    recipe.nth = [=](std::uint64_t n) -> std::optional<std::string> {
      if (n + 1 >= count) return std::nullopt;
      return NumberOf(shape, n + 1);
    };
    return recipe;
  }
};

const Registered<ColumnGenerator, IsnGenerator> kIsn("isn");

}  // namespace

}  // namespace migproof
