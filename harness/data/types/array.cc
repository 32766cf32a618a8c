#include <algorithm>

#include "harness/data/literal_parts.h"
#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

constexpr std::size_t kLongElement = 200;  // bytes; longer ones would make every array long

// pg_type.typdelim: a comma for all types but box.
char DelimiterOf(const ColumnType& element) { return element.base == "box" ? ';' : ','; }

// Where single elements give out (boolean), arrays of several go on: numbers to the base of as many digits as there
// are.
std::optional<std::string> NthArray(const ColumnGenerator& generator, const ColumnType& element, std::uint64_t n) {
  const char delimiter = DelimiterOf(element);
  if (const auto single = generator.Nth(element, n)) return ArrayOf({single}, delimiter);
  std::vector<std::string> digits;
  while (const auto digit = generator.Nth(element, digits.size())) {
    digits.push_back(*digit);
    if (digits.size() > n) break;
  }
  if (digits.size() < 2) return std::nullopt;
  std::vector<Cell> parts;
  for (std::uint64_t rest = n + 1; rest > 0; rest = (rest - 1) / digits.size()) {
    parts.insert(parts.begin(), digits[(rest - 1) % digits.size()]);
  }
  return ArrayOf(parts, delimiter);
}

std::vector<std::string> SmallerArrays(const ColumnGenerator& generator, const ColumnType& element,
                                       const std::string& value) {
  const char delimiter = DelimiterOf(element);
  const auto parts = PartsOfArray(value, delimiter);
  if (!parts || parts->empty()) return {};
  std::vector<std::string> smaller = {ArrayOf({parts->begin(), parts->begin() + parts->size() / 2}, delimiter)};
  for (std::size_t i = 0; i < parts->size(); ++i) {
    std::vector<Cell> rest = *parts;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
    smaller.push_back(ArrayOf(rest, delimiter));
    if (!(*parts)[i]) continue;
    for (const std::string& simpler : generator.Shrink(element, *(*parts)[i])) {
      std::vector<Cell> changed = *parts;
      changed[i] = simpler;
      smaller.push_back(ArrayOf(changed, delimiter));
    }
  }
  return smaller;
}

class ArrayGenerator : public RecipeGenerator {
 public:
  bool Claims(const ColumnType& type) const override { return type.form == ColumnType::Form::kArray; }

 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    if (type.form != ColumnType::Form::kArray) return std::nullopt;
    const std::shared_ptr<const ColumnType> element = type.element;
    const ColumnGenerator& generator = GeneratorFor(*element);
    const char delimiter = DelimiterOf(*element);
    TypeRecipe recipe;
    recipe.edges = {"{}"};
    std::vector<Cell> values;
    for (const std::string& edge : generator.Edges(*element)) {
      if (edge.size() <= kLongElement && values.size() < 12) values.emplace_back(edge);
    }
    if (values.empty()) return recipe;
    AddEdges(recipe, values, AllowsNull(*element), delimiter);
    recipe.random = [element, &generator, delimiter](Random& random) {
      std::vector<Cell> parts;
      const std::uint64_t length = random.Below(5);
      for (std::uint64_t i = 0; i < length; ++i) {
        const std::string part = generator.Draw(*element, random);
        if (part.size() <= kLongElement) parts.emplace_back(part);
        if (AllowsNull(*element) && random.OneIn(8)) parts.emplace_back();
      }
      return ArrayOf(parts, delimiter);
    };
    recipe.nth = [element, &generator](std::uint64_t n) { return NthArray(generator, *element, n); };
    recipe.smaller = [element, &generator](const std::string& value) {
      return SmallerArrays(generator, *element, value);
    };
    return recipe;
  }

 private:
  static bool AllowsNull(const ColumnType& element) {
    if (element.form != ColumnType::Form::kDomain) return true;
    return !element.not_null && AllowsNull(*element.element);
  }

  static void AddEdges(TypeRecipe& recipe, const std::vector<Cell>& values, bool nulls, char delimiter) {
    const Cell& first = values.front();
    const Cell& last = values.back();
    const auto add = [&](const std::vector<Cell>& parts) { recipe.edges.push_back(ArrayOf(parts, delimiter)); };
    add({first});
    if (nulls) add({Cell()});
    add({first, first});
    add({last, first});
    if (nulls) add({first, Cell(), last, Cell()});
    add({values.rbegin(), values.rend()});
    const std::string row = ArrayOf({first, last}, delimiter);
    recipe.edges.push_back("{" + row + delimiter + row + "}");
    recipe.edges.push_back("[0:1]=" + row);
    // Where the element has one or two values, some of these are the same.
    std::vector<std::string> seen;
    std::erase_if(recipe.edges, [&](const std::string& edge) {
      const bool again = std::find(seen.begin(), seen.end(), edge) != seen.end();
      seen.push_back(edge);
      return again;
    });
  }
};

const Registered<ColumnGenerator, ArrayGenerator> kArray("array");

}  // namespace

}  // namespace migproof
