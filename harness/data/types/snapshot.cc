#include <fmt/format.h>

#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

TypeRecipe WalPlaces() {
  TypeRecipe recipe;
  recipe.edges = {"0/0", "0/1", "0/FFFFFFFF", "1/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"};
  recipe.random = [](Random& random) { return fmt::format("{:X}/{:X}", random.Below(100), random.Below(1ULL << 32U)); };
  recipe.nth = [](std::uint64_t n) { return fmt::format("{:X}/{:X}", (n + 1) >> 32U, (n + 1) & 0xFFFF'FFFFU); };
  return recipe;
}

TypeRecipe Snapshots() {
  TypeRecipe recipe;
  recipe.edges = {"1:1:", "1:2:", "10:20:10,14,15", "10:20:10", "1:9223372036854775807:"};
  recipe.random = [](Random& random) {
    const std::uint64_t low = 1 + random.Below(1000);
    return fmt::format("{}:{}:{}", low, low + 2, random.OneIn(2) ? std::to_string(low) : "");
  };
  recipe.nth = [](std::uint64_t n) { return fmt::format("{0}:{0}:", n + 1); };
  return recipe;
}

TypeRecipe TransactionIds(bool wide) {
  TypeRecipe recipe;
  recipe.edges = {"0", "1", "2", "3", "2147483648", "4294967295"};
  if (wide) recipe.edges.emplace_back("18446744073709551615");
  recipe.random = [](Random& random) { return std::to_string(random.Below(100'000)); };
  recipe.nth = [](std::uint64_t n) -> std::optional<std::string> {
    if (n >= 0xFFFF'FFFFU) return std::nullopt;
    return std::to_string(n + 1);
  };
  return recipe;
}

TypeRecipe RowPlaces() {
  TypeRecipe recipe;
  recipe.edges = {"(0,0)", "(0,1)", "(1,0)", "(4294967295,65535)"};
  recipe.random = [](Random& random) { return fmt::format("({},{})", random.Below(100), random.Below(100)); };
  recipe.nth = [](std::uint64_t n) -> std::optional<std::string> {
    if (n >= 1ULL << 47U) return std::nullopt;
    return fmt::format("({},{})", (n + 1) >> 16U, (n + 1) & 0xFFFFU);
  };
  return recipe;
}

// Where the server stands: in its log, among its transactions, in a table.
class SnapshotGenerator : public RecipeGenerator {
 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    if (type.form != ColumnType::Form::kBase) return std::nullopt;
    if (type.base == "pg_lsn") return WalPlaces();
    if (type.base == "pg_snapshot" || type.base == "txid_snapshot") return Snapshots();
    if (type.base == "xid8") return TransactionIds(true);
    if (type.base == "xid" || type.base == "cid") return TransactionIds(false);
    if (type.base == "tid") return RowPlaces();
    return std::nullopt;
  }
};

const Registered<ColumnGenerator, SnapshotGenerator> kSnapshot("snapshot");

}  // namespace

}  // namespace migproof
