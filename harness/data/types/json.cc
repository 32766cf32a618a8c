#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

std::string RandomJson(int depth, Random& random) {
  static const std::vector<std::string> scalars = {"null", "true",  "false", "0",   "-1",     "1.50",
                                                   "\"\"", "\"a\"", "\"é\"", "1e3", "\"a b\""};
  const std::uint64_t kind = depth == 0 ? 0 : random.Below(3);
  if (kind == 0) return random.OneIn(3) ? "\"" + RandomWord(random) + "\"" : random.Pick(scalars);
  std::string inside;
  const std::uint64_t count = random.Below(4);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (i > 0) inside += ", ";
    if (kind == 1) inside += fmt::format("\"{}\": ", RandomWord(random));
    inside += RandomJson(depth - 1, random);
  }
  return kind == 1 ? "{" + inside + "}" : "[" + inside + "]";
}

// Each child alone, and the whole less one child at a time.
std::vector<std::string> SmallerJson(const std::string& value) {
  std::vector<std::string> smaller = {"[]", "null", "0", "1"};
  const auto json = nlohmann::ordered_json::parse(value, nullptr, false);
  if (json.is_discarded() || !json.is_structured()) return smaller;
  for (auto child = json.begin(); child != json.end(); ++child) {
    smaller.push_back(child->dump());
    auto rest = json;
    if (json.is_object()) {
      rest.erase(child.key());
    } else {
      rest.erase(static_cast<std::size_t>(child - json.begin()));
    }
    smaller.push_back(rest.dump());
  }
  return smaller;
}

class JsonGenerator : public RecipeGenerator {
 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    const bool json = type.base == "json";
    if (type.form != ColumnType::Form::kBase || (!json && type.base != "jsonb")) return std::nullopt;
    TypeRecipe recipe;
    recipe.edges = {"{}",
                    "[]",
                    "null",
                    "0",
                    "\"\"",
                    "true",
                    R"({"a": 1})",
                    R"({"b": 1, "a": 2})",
                    R"({"a": null, "b": ""})",
                    R"({"a": 1, "a": 2})",
                    R"([1, [2, {"c": [null]}], {"d": {"e": {}}}])",
                    R"([3, 1, 2, 1])",
                    "-0",
                    "1.0",
                    "1e10",
                    "1E-7",
                    "12345678901234567890.123",
                    R"("é😀\u00e9\n\"")",
                    R"({"": {"a b": "c"}})"};
    // json keeps white space and writes numbers as they came.
    if (json) recipe.edges.emplace_back("{ \"a\" :\n\t1 }");
    recipe.random = [](Random& random) { return RandomJson(3, random); };
    recipe.nth = [](std::uint64_t n) { return fmt::format("{{\"id\": {}}}", n + 1); };
    recipe.smaller = SmallerJson;
    return recipe;
  }
};

const Registered<ColumnGenerator, JsonGenerator> kJsonType("json");

}  // namespace

}  // namespace migproof
