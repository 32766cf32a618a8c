#include <fmt/format.h>

#include <map>

#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

std::string Point(std::int64_t x, std::int64_t y) { return fmt::format("({},{})", x, y); }

// A figure of the type, placed by x and y; two of them differ wherever one of the two does.
std::string Figure(const std::string& base, std::int64_t x, std::int64_t y) {
  if (base == "point") return Point(x, y);
  if (base == "line") return fmt::format("{{1,{},{}}}", x, y);
  if (base == "lseg") return "[" + Point(x, y) + "," + Point(x + 1, y + 2) + "]";
  if (base == "box") return Point(x + 1, y + 2) + "," + Point(x, y);
  if (base == "circle") return "<" + Point(x, y) + ",1>";
  return "(" + Point(x, y) + "," + Point(x + 1, y) + "," + Point(x, y + 1) + ")";  // path, polygon
}

const std::map<std::string, std::vector<std::string>>& GeometricEdges() {
  static const std::map<std::string, std::vector<std::string>> edges = {
      {"point", {"(0,0)", "(1,2)", "(-1,-0.5)", "(1e+300,-1e+300)", "(0.1,1e-300)", "(Infinity,-Infinity)"}},
      {"line", {"{1,0,0}", "{0,1,0}", "{1,-1,0}", "{0.5,2,-3}"}},
      {"lseg", {"[(0,0),(0,0)]", "[(0,0),(1,1)]", "[(1,1),(0,0)]", "[(-1.5,2),(3,-4)]"}},
      {"box", {"(0,0),(0,0)", "(1,1),(0,0)", "(0,0),(1,1)", "(2.5,-1),(-3,4)"}},
      {"path", {"((0,0))", "[(0,0),(1,1)]", "((0,0),(1,1),(0,1))", "((0,0),(0,0))", "[(-1.5,2)]"}},
      {"polygon", {"((0,0))", "((0,0),(1,0),(0,1))", "((0,0),(1,1),(0,1),(1,0))", "((-1.5,2),(3,4),(5,6))"}},
      {"circle", {"<(0,0),0>", "<(0,0),1>", "<(-1.5,2),0.25>", "<(1,1),1e+100>"}},
  };
  return edges;
}

class GeometricGenerator : public RecipeGenerator {
 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    const auto edges = GeometricEdges().find(type.base);
    if (type.form != ColumnType::Form::kBase || edges == GeometricEdges().end()) return std::nullopt;
    TypeRecipe recipe;
    recipe.edges = edges->second;
    recipe.random = [base = type.base](Random& random) {
      return Figure(base, random.Between(-100, 100), random.Between(-100, 100));
    };
    recipe.nth = [base = type.base](std::uint64_t n) -> std::optional<std::string> {
      if (n >= 1ULL << 50U) return std::nullopt;
      return Figure(base, static_cast<std::int64_t>(n) + 1, 0);
    };
    return recipe;
  }
};

const Registered<ColumnGenerator, GeometricGenerator> kGeometric("geometric");

}  // namespace

}  // namespace migproof
