#include "harness/data/row_generator.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "harness/data/schema_for_test.h"

namespace migproof {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Key;
using testing::Not;

// What many cases came to, each rolled back.
class Filled {
 public:
  void Add(Session& session, const Dataset& dataset) {
    const Transaction transaction(session);
    for (const auto& [table, fill] : Insert(session, dataset).tables) {
      TableFill& total = tables[table];
      total.inserted += fill.inserted;
      total.refused += fill.refused;
      for (const auto& [reason, count] : fill.refusals) total.refusals[reason] += count;
      for (const auto& [column, count] : fill.null_cells) total.null_cells[column] += count;
      for (const auto& [column, count] : fill.filled_cells) total.filled_cells[column] += count;
    }
    ++cases;
  }

  double RefusedShare() const {
    std::int64_t inserted = 0;
    std::int64_t refused = 0;
    for (const auto& [table, fill] : tables) {
      inserted += fill.inserted;
      refused += fill.refused;
    }
    return static_cast<double>(refused) / static_cast<double>(std::max<std::int64_t>(1, inserted + refused));
  }

  std::string Refusals() const {
    std::string text;
    for (const auto& [table, fill] : tables) {
      for (const auto& [reason, count] : fill.refusals) {
        text += fmt::format("{}: {} of {}: {}\n", table, count, fill.inserted + fill.refused, reason);
      }
    }
    return text;
  }

  int cases = 0;
  std::map<std::string, TableFill> tables;
};

class RowGeneratorTest : public testing::Test {
 protected:
  static Filled Fill(FilledDatabase& database, const RowGenerator& generator, int cases) {
    Filled filled;
    for (int i = 0; i < cases; ++i) {
      Random random(static_cast<std::uint64_t>(i));
      filled.Add(database.session(), generator.Draw(random));
    }
    return filled;
  }
};

TEST_F(RowGeneratorTest, FillsEveryTableOfTheSchema) {
  FilledDatabase database;
  const RowGenerator generator(database.catalog(), database.rows(), {});
  EXPECT_THAT(generator.unfillable(),
              ElementsAre(testing::Pair("public.unpartitioned", "public.unpartitioned: it has no partition")));
  const Filled filled = Fill(database, generator, 100);
  for (const std::string& name : database.catalog().Names("table")) {
    const bool partition = !database.catalog().Attribute("table", name, "partition_bound").empty();
    if (partition || name == "public.unpartitioned") continue;
    ASSERT_THAT(filled.tables, Contains(Key(name)));
    EXPECT_GT(filled.tables.at(name).inserted, 60) << name;
  }
  EXPECT_LT(filled.RefusedShare(), 0.05) << filled.Refusals();
}

TEST_F(RowGeneratorTest, ShowsEveryNullableColumnBothWays) {
  FilledDatabase database;
  const RowGenerator generator(database.catalog(), database.rows(), {});
  const Filled filled = Fill(database, generator, 100);
  int nullable = 0;
  int both = 0;
  for (const auto& [key, column] : database.catalog().objects()) {
    if (key.kind != "column" || column.attributes.at("not_null") != "false" ||
        column.attributes.contains("generated")) {
      continue;
    }
    const auto fill = filled.tables.find(column.relation);
    if (fill == filled.tables.end() || key.name == "public.customers.country" || key.name == "public.guarded.v")
      continue;
    const std::string name = key.name.substr(column.relation.size() + 1);
    ++nullable;
    const bool seen = fill->second.null_cells.contains(name) && fill->second.filled_cells.contains(name);
    both += seen ? 1 : 0;
    EXPECT_TRUE(seen) << key.name;
  }
  EXPECT_GT(nullable, 30);
  EXPECT_GE(both, nullable * 99 / 100);
}

TEST_F(RowGeneratorTest, SameSeedSameBytes) {
  FilledDatabase database;
  const RowGenerator one(database.catalog(), database.rows(), {});
  const RowGenerator other(database.catalog(), database.rows(), {});
  std::set<std::string> different;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    Random again(seed);
    const std::string text = ToJson(one.Draw(random)).dump();
    EXPECT_EQ(text, ToJson(other.Draw(again)).dump());
    different.insert(text);
  }
  EXPECT_EQ(different.size(), 20U);
}

}  // namespace
}  // namespace migproof
