#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

using Form = ColumnType::Form;

// The first values of a progression rise in every order we know: 1, 2, 3; 'a', 'b', 'c'; the first days of 2000.
constexpr std::uint64_t kRising = 20;

std::string Span(char open, const std::string& low, const std::string& high, char close) {
  return open + (low.empty() ? "" : InDoubleQuotes(low)) + "," + (high.empty() ? "" : InDoubleQuotes(high)) + close;
}

// The ends of the built-in subtypes; an inclusive upper limit of an integer would have no successor.
std::vector<std::string> Extremes(const std::string& subtype) {
  if (subtype == "integer") return {"[-2147483648,2147483647)"};
  if (subtype == "bigint") return {"[-9223372036854775808,9223372036854775807)"};
  if (subtype == "numeric") return {"[0.1,0.10]", "[-1e30,1e30]", "[0,NaN]"};
  if (subtype == "date") return {"[4714-11-24 BC,5874897-12-31)", "[-infinity,infinity]"};
  if (subtype.starts_with("timestamp"))
    return {"[-infinity,infinity]", "[\"2024-10-27 01:30:00\",\"2024-10-27 02:30:00\")"};
  return {};
}

std::vector<std::string> RangeEdges(const ColumnType& subtype) {
  const ColumnGenerator& generator = GeneratorFor(subtype);
  std::vector<std::string> edges = {"empty", "(,)"};
  const auto a = generator.Nth(subtype, 0);
  const auto b = generator.Nth(subtype, 1);
  const auto c = generator.Nth(subtype, 5);
  if (a) edges.insert(edges.end(), {Span('[', *a, *a, ']'), Span('[', *a, "", ')'), Span('(', "", *a, ']')});
  if (a && b) edges.insert(edges.end(), {Span('[', *a, *b, ')'), Span('(', *a, *b, ']'), Span('(', *a, *b, ')')});
  if (a && c) edges.insert(edges.end(), {Span('[', *a, *c, ']'), Span('(', *a, *c, ')')});
  for (const std::string& extreme : Extremes(subtype.base)) edges.push_back(extreme);
  return edges;
}

std::string RandomRange(const ColumnType& subtype, Random& random) {
  const ColumnGenerator& generator = GeneratorFor(subtype);
  const std::uint64_t from = random.Below(kRising);
  const auto low = generator.Nth(subtype, from);
  const auto high = generator.Nth(subtype, from + random.Below(kRising - from));
  const char open = random.OneIn(3) ? '(' : '[';
  const char close = random.OneIn(3) ? ']' : ')';
  return Span(open, random.OneIn(8) || !low ? "" : *low, random.OneIn(8) || !high ? "" : *high, close);
}

std::optional<std::string> NthRange(const ColumnType& subtype, std::uint64_t n) {
  const auto value = GeneratorFor(subtype).Nth(subtype, n);
  if (!value) return std::nullopt;
  return Span('[', *value, *value, ']');  // no two of them overlap, as exclusion constraints like it
}

class RangeGenerator : public RecipeGenerator {
 public:
  bool Claims(const ColumnType& type) const override {
    return type.form == Form::kRange || type.form == Form::kMultirange;
  }

 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    if (type.form == Form::kRange) return Ranges(type.element);
    if (type.form == Form::kMultirange) return Multiranges(type.element->element);
    return std::nullopt;
  }

 private:
  using Subtype = std::shared_ptr<const ColumnType>;

  static TypeRecipe Ranges(const Subtype& subtype) {
    TypeRecipe recipe;
    recipe.edges = RangeEdges(*subtype);
    recipe.random = [subtype](Random& random) { return RandomRange(*subtype, random); };
    recipe.nth = [subtype](std::uint64_t n) { return NthRange(*subtype, n); };
    return recipe;
  }

  static TypeRecipe Multiranges(const Subtype& subtype) {
    TypeRecipe recipe;
    recipe.edges = {"{}"};
    for (const std::string& range : RangeEdges(*subtype)) recipe.edges.push_back("{" + range + "}");
    const auto first = NthRange(*subtype, 0);
    const auto second = NthRange(*subtype, 5);
    if (first && second) {
      recipe.edges.push_back("{" + *first + "," + *second + "}");
      recipe.edges.push_back("{" + *second + "," + *first + "," + *first + "}");
    }
    recipe.random = [subtype](Random& random) {
      std::string text = "{" + RandomRange(*subtype, random);
      while (random.OneIn(2)) text += "," + RandomRange(*subtype, random);
      return text + "}";
    };
    recipe.nth = [subtype](std::uint64_t n) -> std::optional<std::string> {
      const auto range = NthRange(*subtype, n);
      if (!range) return std::nullopt;
      return "{" + *range + "}";
    };
    return recipe;
  }
};

const Registered<ColumnGenerator, RangeGenerator> kRange("range");

}  // namespace

}  // namespace migproof
