#include "harness/data/literal_parts.h"
#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

using Fields = std::vector<CompositeField>;

bool FieldMayBeNull(const ColumnType& field) {
  if (field.form != ColumnType::Form::kDomain) return true;
  return !field.not_null && FieldMayBeNull(*field.element);
}

std::vector<Cell> SimplestFields(const Fields& fields) {
  std::vector<Cell> parts;
  for (const auto& [name, type] : fields) {
    parts.push_back(FieldMayBeNull(type) ? Cell() : Cell(GeneratorFor(type).Simplest(type)));
  }
  return parts;
}

std::vector<std::string> CompositeEdges(const Fields& fields) {
  std::vector<std::vector<std::string>> edges;
  std::size_t most = 0;
  for (const auto& [name, type] : fields) {
    edges.push_back(GeneratorFor(type).Edges(type));
    std::erase_if(edges.back(), [](const std::string& edge) { return edge.size() > 200; });
    most = std::max(most, edges.back().size());
  }
  const std::vector<Cell> simplest = SimplestFields(fields);
  std::vector<std::string> all = {CompositeOf(simplest)};
  for (std::size_t i = 0; i < std::min<std::size_t>(most, 12); ++i) {
    std::vector<Cell> parts = simplest;
    for (std::size_t field = 0; field < parts.size(); ++field) {
      if (!edges[field].empty()) parts[field] = edges[field][(i + field) % edges[field].size()];
    }
    all.push_back(CompositeOf(parts));
  }
  return all;
}

std::vector<std::string> SmallerComposites(const Fields& fields, const std::string& value) {
  const auto parts = PartsOfComposite(value);
  if (!parts || parts->size() != fields.size()) return {};
  std::vector<std::string> smaller;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!(*parts)[i]) continue;
    const ColumnType& type = fields[i].type;
    std::vector<Cell> candidates;
    if (FieldMayBeNull(type)) candidates.emplace_back();
    for (const std::string& simpler : GeneratorFor(type).Shrink(type, *(*parts)[i])) candidates.emplace_back(simpler);
    for (const Cell& candidate : candidates) {
      std::vector<Cell> changed = *parts;
      changed[i] = candidate;
      smaller.push_back(CompositeOf(changed));
    }
  }
  return smaller;
}

class CompositeGenerator : public RecipeGenerator {
 public:
  bool Claims(const ColumnType& type) const override { return type.form == ColumnType::Form::kComposite; }

 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    if (type.form != ColumnType::Form::kComposite) return std::nullopt;
    const auto fields = std::make_shared<const Fields>(type.fields);
    TypeRecipe recipe;
    recipe.edges = CompositeEdges(*fields);
    recipe.random = [fields](Random& random) {
      std::vector<Cell> parts;
      for (const auto& [name, field] : *fields) {
        const bool null = random.OneIn(6) && FieldMayBeNull(field);
        parts.push_back(null ? Cell() : Cell(GeneratorFor(field).Draw(field, random)));
      }
      return CompositeOf(parts);
    };
    recipe.nth = [fields](std::uint64_t n) -> std::optional<std::string> {
      std::vector<Cell> parts = SimplestFields(*fields);
      for (std::size_t i = 0; i < fields->size(); ++i) {
        const ColumnType& field = (*fields)[i].type;
        if (const auto value = GeneratorFor(field).Nth(field, n)) {
          for (std::size_t other = 0; other < i; ++other) parts[other] = Whole((*fields)[other].type);
          parts[i] = value;
          return CompositeOf(parts);
        }
      }
      return std::nullopt;
    };
    recipe.smaller = [fields](const std::string& value) { return SmallerComposites(*fields, value); };
    return recipe;
  }

 private:
  // What stands in a field whose own values gave out: not NULL, so that it differs from none by chance.
  static Cell Whole(const ColumnType& type) { return GeneratorFor(type).Simplest(type); }
};

const Registered<ColumnGenerator, CompositeGenerator> kComposite("composite");

}  // namespace

}  // namespace migproof
