#include "harness/verify/coverage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

InsertResult Refused(const std::string& table, const std::string& reason, const std::string& message, int rows) {
  InsertResult result;
  TableFill& fill = result.tables[table];
  fill.refused = rows;
  fill.refusals[reason] = rows;
  fill.messages[reason] = message;
  return result;
}

Coverage CoverageOf(const std::vector<InsertResult>& results) {
  Coverage coverage;
  for (const InsertResult& result : results) coverage.Add(result, Catalog(), 0, {});
  return coverage;
}

TEST(CoverageTest, NamesEmptyTablesWithWhatTheServerSaidMostOften) {
  const Coverage coverage = CoverageOf({Refused("public.t", "23514 c", "it breaks c (SQLSTATE 23514)", 3),
                                        Refused("public.t", "P0001", "no rows here (SQLSTATE P0001)", 2)});
  EXPECT_THAT(coverage.Empty(),
              ElementsAre("public.t stayed empty: the server refused all its rows: it breaks c (SQLSTATE 23514)"));
  EXPECT_THAT(coverage.Empty({"public.u"}), ElementsAre("public.u stayed empty: no rows were drawn for it"));
}

TEST(CoverageTest, NamesTablesThatNoRowsWereDrawnFor) {
  Coverage coverage;
  coverage.AddUnfillable({{"public.t", "no value passes its CHECKs"}, {"public.u", "it has no partition"}});
  coverage.AddRefusals("public.t",
                       Refused("public.t", "23514 c", "it breaks c (SQLSTATE 23514)", 1).tables["public.t"]);
  EXPECT_THAT(coverage.Empty(),
              ElementsAre("public.t stayed empty: no value passes its CHECKs: it breaks c (SQLSTATE 23514)",
                          "public.u stayed empty: it has no partition"));
  EXPECT_EQ(coverage.tables_filled(), 0U);
}

TEST(CoverageTest, SaysNothingOfATableThatWasFilledElsewhere) {
  Coverage coverage = CoverageOf({Refused("public.t", "P0001", "no (SQLSTATE P0001)", 1)});
  Coverage other;
  RowSnapshot present;
  present.tables["public.t"];
  other.Add({}, Catalog(), 0, present);
  coverage.Merge(other);
  EXPECT_THAT(coverage.Empty(), IsEmpty());
}

TEST(CoverageTest, IsTheSameWhoeverIsMergedFirst) {
  const Coverage one = CoverageOf({Refused("public.t", "P0001", "row 2 (SQLSTATE P0001)", 1)});
  const Coverage two = CoverageOf({Refused("public.t", "P0001", "row 1 (SQLSTATE P0001)", 1)});
  Coverage forth = one;
  forth.Merge(two);
  Coverage back = two;
  back.Merge(one);
  EXPECT_EQ(ToJson(forth), ToJson(back));
  EXPECT_EQ(ToJson(Coverage::FromJson(ToJson(forth))), ToJson(forth));
  EXPECT_THAT(ToJson(forth).at("empty"),
              ElementsAre("public.t stayed empty: the server refused all its rows: row 1 (SQLSTATE P0001)"));
}

TEST(CoverageTest, CountsNullAndOtherCellsOfNullableColumns) {
  Catalog catalog;
  catalog.objects()[{"column", "public.t.note"}].attributes["not_null"] = "false";
  catalog.objects()[{"column", "public.t.id"}].attributes["not_null"] = "true";
  InsertResult result;
  result.inserted = std::make_shared<const Dataset>(
      Dataset{{{"public.t", {"id", "note"}, {{"1", "a"}, {"2", std::nullopt}, {"3", std::nullopt}}, 0}}});
  Coverage coverage;
  coverage.Add(result, catalog, 0, {});
  Coverage all;
  all.Merge(coverage);
  all.Merge(coverage);
  EXPECT_EQ(ToJson(all).at("tables").at("public.t").at("nullable"), nlohmann::json({{"note", {4, 2}}}));
  EXPECT_EQ(all.nullable_columns(), 1);
  EXPECT_EQ(all.nullable_columns_seen_both_ways(), 1);
  EXPECT_EQ(ToJson(Coverage::FromJson(ToJson(all))), ToJson(all));
}

}  // namespace
}  // namespace migproof
