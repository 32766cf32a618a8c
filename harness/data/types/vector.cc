#include <fmt/format.h>

#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

constexpr std::size_t kUsualDimensions = 3;  // of a column that takes any number of them

std::string Dense(const std::vector<std::string>& cycle, std::size_t dimensions) {
  std::string text = "[";
  for (std::size_t i = 0; i < dimensions; ++i) text += (i > 0 ? "," : "") + cycle[i % cycle.size()];
  return text + "]";
}

TypeRecipe DenseVectors(std::size_t dimensions, bool half) {
  TypeRecipe recipe;
  const std::string most = half ? "65504" : "3.4028235e+38";
  const std::string least = half ? "6e-08" : "1e-45";
  for (const std::vector<std::string>& cycle : std::vector<std::vector<std::string>>{
           {"0"}, {"1"}, {"-1"}, {"1", "0"}, {"0.5", "-0.25", "0.125"}, {most, "-" + most}, {least}, {"-0"}}) {
    recipe.edges.push_back(Dense(cycle, dimensions));
  }
  recipe.random = [dimensions](Random& random) {
    std::vector<std::string> cycle;
    for (std::size_t i = 0; i < std::min<std::size_t>(dimensions, 7); ++i) {
      cycle.push_back(fmt::format("{}.{}", random.Between(-9, 9), random.OneIn(2) ? 5 : 25));
    }
    return Dense(cycle, dimensions);
  };
  // Whole numbers are exact up to 2^11 in half precision, up to 2^24 in single.
  recipe.nth = [dimensions, half](std::uint64_t n) -> std::optional<std::string> {
    if (n >= 1ULL << (half ? 11U : 24U)) return std::nullopt;
    std::string rest = Dense({"0"}, dimensions);
    return rest.replace(1, 1, std::to_string(n + 1));
  };
  return recipe;
}

TypeRecipe SparseVectors(std::size_t dimensions) {
  const std::string size = fmt::format("/{}", dimensions);
  TypeRecipe recipe;
  recipe.edges = {"{}" + size, "{1:1}" + size, "{1:-0.5}" + size, fmt::format("{{{0}:1}}/{0}", dimensions),
                  "{1:3.4028235e+38}" + size};
  if (dimensions > 1) recipe.edges.push_back(fmt::format("{{1:1,{0}:-2}}/{0}", dimensions));
  recipe.random = [dimensions](Random& random) {
    return fmt::format("{{{}:{}.5}}/{}", 1 + random.Below(dimensions), random.Between(-9, 9), dimensions);
  };
  recipe.nth = [size](std::uint64_t n) -> std::optional<std::string> {
    if (n >= 1ULL << 24U) return std::nullopt;
    return fmt::format("{{1:{}}}", n + 1) + size;
  };
  return recipe;
}

// pgvector's types. They refuse NaN and infinity.
class VectorGenerator : public RecipeGenerator {
 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    const std::string name = BareName(type);
    const std::size_t dimensions =
        type.modifiers.empty() ? kUsualDimensions : static_cast<std::size_t>(type.modifiers[0]);
    if (name == "vector") return DenseVectors(dimensions, false);
    if (name == "halfvec") return DenseVectors(dimensions, true);
    if (name == "sparsevec") return SparseVectors(dimensions);
    return std::nullopt;
  }
};

const Registered<ColumnGenerator, VectorGenerator> kVector("vector");

}  // namespace

}  // namespace migproof
