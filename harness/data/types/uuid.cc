#include <fmt/format.h>

#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

class UuidGenerator : public RecipeGenerator {
 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    if (type.form != ColumnType::Form::kBase || type.base != "uuid") return std::nullopt;
    TypeRecipe recipe;
    recipe.edges = {"00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000001",
                    "11111111-1111-4111-8111-111111111111", "7fffffff-ffff-ffff-ffff-ffffffffffff",
                    "80000000-0000-0000-0000-000000000000", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
                    "ffffffff-ffff-ffff-ffff-ffffffffffff"};
    recipe.random = [](Random& random) {
      const std::uint64_t high = random.Next();
      const std::uint64_t low = random.Next();
      return fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", high >> 32U, (high >> 16U) & 0xFFFFU, high & 0xFFFU,
                         low >> 52U, low & 0xFFFF'FFFF'FFFFU);
    };
    recipe.nth = [](std::uint64_t n) -> std::optional<std::string> {
      if (n >= 0xFFFF'FFFF'FFFFU) return std::nullopt;
      return fmt::format("00000000-0000-0000-0000-{:012x}", n + 1);
    };
    return recipe;
  }
};

const Registered<ColumnGenerator, UuidGenerator> kUuid("uuid");

}  // namespace

}  // namespace migproof
