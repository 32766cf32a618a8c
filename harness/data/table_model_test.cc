#include "harness/data/table_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/data/definition_text.h"
#include "harness/data/fill_order.h"
#include "harness/data/partition_bound.h"
#include "harness/data/schema_for_test.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(DefinitionText, FindsItsParts) {
  const std::string text = R"(FOREIGN KEY (a, "b, (c") REFERENCES "S"."T "" x"(x, "y z") MATCH FULL)";
  std::size_t end = 0;
  EXPECT_THAT(SplitAtCommas(Parenthesised(text, 0, &end)), ElementsAre("a", "\"b, (c\""));
  EXPECT_THAT(SplitAtCommas(Parenthesised(text, end)), ElementsAre("x", "\"y z\""));
  EXPECT_EQ(FindOutside("('WHERE') WHERE b", "WHERE"), 10U);
  EXPECT_EQ(Unquoted("\"a\"\"b\""), "a\"b");
  EXPECT_EQ(Unquoted("plain"), "plain");
  EXPECT_THAT(SplitAtCommas(""), IsEmpty());
  EXPECT_THAT(SplitAtCommas("'a,''b', ARRAY[1, 2], f(x, y)"), ElementsAre("'a,''b'", "ARRAY[1, 2]", "f(x, y)"));
  EXPECT_THAT(MentionedColumns("lower(\"e mail\") || 'name' || note2", {"name", "\"e mail\"", "note"}),
              ElementsAre(1U));
}

TEST(PartitionBound, BecomesACheck) {
  EXPECT_EQ(PartitionCheck("LIST (region)", "FOR VALUES IN ('n', 'it''s', NULL)"),
            "CHECK (((region IS NULL) OR ((region IS NOT NULL) AND (region = ANY (ARRAY['n', 'it''s'])))))");
  EXPECT_EQ(PartitionCheck("RANGE (day)", "FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')"),
            "CHECK (((day IS NOT NULL) AND (day >= '2020-01-01') AND (day < '2021-01-01')))");
  EXPECT_EQ(PartitionCheck("RANGE (a, \"b c\")", "FOR VALUES FROM (1, 5) TO (1, 9)"),
            "CHECK (((a IS NOT NULL) AND (\"b c\" IS NOT NULL) AND (a = 1) AND (\"b c\" >= 5) AND (\"b c\" < 9)))");
  EXPECT_EQ(PartitionCheck("RANGE (a, b)", "FOR VALUES FROM (1, MINVALUE) TO (3, 9)"),
            "CHECK (((a IS NOT NULL) AND (b IS NOT NULL) AND (a = 1)))");
  EXPECT_EQ(PartitionCheck("RANGE (a)", "FOR VALUES FROM (MINVALUE) TO (MAXVALUE)"), "CHECK (((a IS NOT NULL)))");
  EXPECT_EQ(PartitionCheck("RANGE (a, b)", "FOR VALUES FROM (MINVALUE, MINVALUE) TO (0, MAXVALUE)"),
            "CHECK (((a IS NOT NULL) AND (b IS NOT NULL) AND (a < 0)))");
  EXPECT_EQ(PartitionCheck("HASH (id)", "FOR VALUES WITH (modulus 2, remainder 0)"), std::nullopt);
  EXPECT_EQ(PartitionCheck("LIST (a)", "DEFAULT"), std::nullopt);
  EXPECT_EQ(PartitionCheck("LIST (lower(a))", "FOR VALUES IN ('x')"), std::nullopt);
}

TEST(TableModels, SayWhatTheCatalogHolds) {
  FilledDatabase database;
  const TableModels models(database.catalog());
  EXPECT_EQ(models.Find("public.all_orders"), nullptr);
  EXPECT_EQ(models.Find("public.events_2020"), nullptr);
  EXPECT_EQ(models.Root("public.regions_south_small"), "public.regions");
  EXPECT_EQ(models.Find("public.regions")->partitions.size(), 3U);
  EXPECT_THAT(models.Find("public.nothing")->columns, IsEmpty());

  const TableModel& order = *models.Find("\"Back Office\".\"Order\"");
  EXPECT_THAT(order.ColumnNames(), ElementsAre("\"order id\"", "customer_id", "\"référé\"", "number", "low", "high",
                                               "total", "doubled", "status"));
  EXPECT_TRUE(order.columns[3].identity);
  EXPECT_TRUE(order.columns[7].generated);
  EXPECT_EQ(order.columns[0].default_text, "gen_random_uuid()");
  EXPECT_FALSE(order.columns[0].nullable);
  EXPECT_TRUE(order.columns[4].nullable);
  EXPECT_NE(order.checks, nullptr);
  ASSERT_EQ(order.foreign_keys.size(), 2U);
  EXPECT_EQ(order.foreign_keys[0].table, "public.customers");
  EXPECT_THAT(order.foreign_keys[0].other_columns, ElementsAre("id"));
  EXPECT_THAT(order.keys, testing::SizeIs(2));

  const TableModel& customers = *models.Find("public.customers");
  const auto column = [&](const std::string& name) -> const ColumnModel& {
    return customers.columns[*customers.Position(name)];
  };
  EXPECT_FALSE(column("country").nullable);
  EXPECT_NE(column("score").domain_checks, nullptr);
  EXPECT_TRUE(column("email").counted);
  EXPECT_TRUE(column("id").serial);
  for (const KeyModel& key : customers.keys) {
    EXPECT_EQ(key.predicate != nullptr, key.name == "public.customers_one_name") << key.name;
    EXPECT_EQ(key.expressed.empty(), key.name != "public.customers_email") << key.name;
    EXPECT_EQ(key.nulls_distinct, key.name != "customers_nick_key on public.customers") << key.name;
  }
  EXPECT_TRUE(models.Find("public.line_marks")->foreign_keys[0].match_full);
  EXPECT_TRUE(models.Find("public.bookings")->columns[1].disjoint);
  EXPECT_THAT(models.Find("public.bookings")->keys, IsEmpty());
  EXPECT_THAT(models.Find("public.seats")->keys, testing::SizeIs(1));
  EXPECT_THAT(models.Find("public.hashed_notes")->foreign_keys, testing::SizeIs(1));
}

TEST(FillOrder, PutsParentsFirstAndCyclesTogether) {
  FilledDatabase database;
  const TableModels models(database.catalog());
  std::vector<std::string> order;
  for (const auto& group : FillOrder(models, {"public.players", "public.teams", "public.files", "public.folders",
                                              "public.tenants", "public.eggs", "public.absent"})) {
    std::string names;
    for (const TableModel* table : group) names += (names.empty() ? "" : " ") + table->name;
    order.push_back(names);
  }
  EXPECT_THAT(order, ElementsAre("public.eggs", "public.tenants", "public.folders", "public.files",
                                 "public.players public.teams"));
}

}  // namespace
}  // namespace migproof
