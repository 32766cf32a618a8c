#include "harness/verify/assumptions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ci/temp_directory.h"
#include "harness/data/schema_for_test.h"
#include "migrations/format.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Key;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr const char* kOrders =
    "CREATE TABLE orders (id int PRIMARY KEY, note text, amount int);"
    "CREATE TABLE parts (id int, weight int) PARTITION BY RANGE (id);"
    "CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (10);"
    "CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (10) TO (20);";

// r1 and r2 assume what a test says.
class AssumedRowsTest : public testing::Test {
 protected:
  AssumedRowsTest() : database_(kOrders) {}

  AssumptionsHere Read(const std::string& first, const std::string& second = "") {
    directory_.Write("r1.sql", "-- migproof: revision r1\n" + first + "-- migproof: upgrade\nSELECT 1;\n");
    directory_.Write(
        "r2.sql", "-- migproof: revision r2\n-- migproof: parents r1\n" + second + "-- migproof: upgrade\nSELECT 1;\n");
    subject_.emplace("native", directory_.path(), std::vector<std::filesystem::path>(),
                     Registry<Format>::Get("native").Read(directory_.path()));
    return ReadAssumptions(database_.session(), *subject_, 0, database_.catalog());
  }

  std::vector<Assumption> Own(const AssumptionsHere& here) { return OwnAssumptions(*subject_->order()[0], here.all); }

  std::string Ids(const std::string& table) {
    return std::string(
        database_.session().Query("SELECT string_agg(id::text, ' ' ORDER BY id) FROM " + table).Get(0, 0));
  }

  FilledDatabase database_;
  TempDirectory directory_;
  std::optional<Subject> subject_;
};

TEST_F(AssumedRowsTest, AreReadFromTheRevisionOn) {
  const AssumptionsHere here =
      Read("-- migproof: assumes orders: note IS NOT NULL\n", "-- migproof: assumes public.orders: amount > 0\n");
  ASSERT_EQ(here.all.size(), 2U);
  EXPECT_EQ(here.all[0].table, "public.orders");
  EXPECT_EQ(here.all[1].definition, "CHECK ((amount > 0))");
  EXPECT_THAT(here.impossible, IsEmpty());
  ASSERT_EQ(Own(here).size(), 1U);
  EXPECT_EQ(Own(here)[0].condition, "note IS NOT NULL");
}

TEST_F(AssumedRowsTest, AboutWhatIsNotThereAreToldWithTheReason) {
  const AssumptionsHere here = Read("-- migproof: assumes nowhere: a > 0\n-- migproof: assumes orders: colour > 0\n",
                                    "-- migproof: assumes orders: colour > 0\n");
  EXPECT_THAT(here.all, IsEmpty());
  std::vector<std::string> reasons;
  for (const auto& [declaration, why] : here.impossible) reasons.push_back(why);
  EXPECT_THAT(reasons,
              UnorderedElementsAre("there is no table 'nowhere'", "column \"colour\" does not exist (SQLSTATE 42703)"));
}

TEST_F(AssumedRowsTest, TakeOutTheRowsThatBreakThemButThoseOnTrial) {
  const AssumptionsHere here =
      Read("-- migproof: assumes orders: note IS NOT NULL\n", "-- migproof: assumes orders: amount > 0\n");
  const std::string rows =
      "TRUNCATE orders; INSERT INTO orders VALUES (1, 'a', 1), (2, NULL, 1), (3, 'a', 0), (4, NULL, 0), (5, 'a', NULL)";
  database_.session().Execute(rows);
  EXPECT_EQ(TakeOut(database_.session(), here.all, {}), 3);
  EXPECT_EQ(Ids("orders"), "1 5");
  database_.session().Execute(rows);
  EXPECT_EQ(TakeOut(database_.session(), here.all, Own(here)), 1);
  EXPECT_EQ(Ids("orders"), "1 2 4 5");
}

// Rows in a chain, in a circle and in partitions, by keys of several columns, checked at once or at the end.
TEST_F(AssumedRowsTest, TakeOutWhateverRefersToThem) {
  database_.session().Execute(
      "TRUNCATE orders, parts; ALTER TABLE orders ADD COLUMN after int REFERENCES orders;"
      "CREATE TABLE lines (id int PRIMARY KEY, of int NOT NULL REFERENCES orders ON DELETE RESTRICT, UNIQUE (id, of));"
      "CREATE TABLE marks (id int, line int, of int, FOREIGN KEY (line, of) REFERENCES lines (id, of)"
      " DEFERRABLE INITIALLY DEFERRED);"
      "ALTER TABLE parts ADD FOREIGN KEY (weight) REFERENCES orders;"
      "INSERT INTO orders VALUES (1, 'a', 1, NULL), (2, NULL, 1, 4), (3, 'a', 1, 2), (4, 'a', 1, 3), (5, 'a', 1, 1);"
      "INSERT INTO lines VALUES (1, 1), (2, 4); INSERT INTO marks VALUES (1, 1, 1), (2, 2, 4), (3, 2, NULL);"
      "INSERT INTO parts VALUES (1, 3), (2, 1), (11, 2)");
  const AssumptionsHere here = Read("-- migproof: assumes orders: note IS NOT NULL\n");
  const Transaction transaction(database_.session());
  EXPECT_EQ(TakeOut(database_.session(), here.all, {}), 1);
  EXPECT_EQ(Ids("orders"), "1 5");
  EXPECT_EQ(Ids("lines"), "1");
  EXPECT_EQ(Ids("marks"), "1 3");
  EXPECT_EQ(Ids("parts"), "2");
  database_.session().Execute("SET CONSTRAINTS ALL IMMEDIATE");
}

TEST_F(AssumedRowsTest, AreBrokenByRowsThatAreFoundInPartitionsToo) {
  const AssumptionsHere here = Read(
      "-- migproof: assumes orders: orders.note <> '' OR amount > 0\n-- migproof: assumes orders: amount < 100\n"
      "-- migproof: assumes parts: weight > 0\n");
  database_.session().Execute(
      "INSERT INTO orders VALUES (1, '', 0), (2, 'a', 0), (3, NULL, 0);"
      "INSERT INTO parts VALUES (1, 0), (2, 5), (11, -1), (12, NULL)");
  const ForbiddenRows found = FindForbidden(database_.session(), database_.catalog(), Own(here));
  EXPECT_EQ(found.broken.size(), 2U);
  EXPECT_THAT(found.rows.tables, ElementsAre(Key("public.orders"), Key("public.parts_high"), Key("public.parts_low")));
  EXPECT_THAT(found.rows.tables.at("public.orders")->rows, ElementsAre(ElementsAre("0", "1", "")));
  EXPECT_THAT(found.rows.tables.at("public.parts_high")->rows, ElementsAre(ElementsAre("11", "-1")));
}

TEST_F(AssumedRowsTest, AreBrokenByMostSetsThatAreDrawnForThat) {
  const AssumptionsHere here = Read("-- migproof: assumes orders: amount BETWEEN 1 AND 99 AND note ~ '^[a-z]+$'\n");
  const ForbiddenDraws draws(database_.catalog(), database_.rows(), Own(here), here.all, {}, {});
  int broken = 0;
  for (int draw = 0; draw < 20; ++draw) {
    const Dataset rows = draws.Draw(Random(static_cast<std::uint64_t>(draw)));
    EXPECT_TRUE(rows.forbidden);
    const Transaction transaction(database_.session());
    Insert(database_.session(), rows);
    broken += FindForbidden(database_.session(), database_.catalog(), Own(here)).broken.empty() ? 0 : 1;
  }
  EXPECT_GE(broken, 18);
}

TableRows TableOf(std::vector<std::string> columns, std::vector<std::vector<Cell>> rows) {
  TableRows table{std::move(columns), std::move(rows), 0, ""};
  table.count = static_cast<std::int64_t>(table.rows.size());
  return table;
}

TEST(ForbiddenRowsTest, AreWhatIsLeftWhereTheOtherRowsAreTakenAway) {
  RowSnapshot was;
  was.tables["public.t"] = TableOf({"a", "b"}, {{"1", "x"}, {"2", std::nullopt}, {"3", "y"}});
  ForbiddenRows forbidden;
  forbidden.rows.tables["public.t"] = TableOf({"a", "b"}, {{"2", std::nullopt}});
  RowSnapshot is;
  is.tables["public.t"] = TableOf({"a", "b", "c"}, {{"1", "x", "n"}, {"2", "", "n"}, {"3", "Y", "n"}});
  EXPECT_THAT(LessOtherRows(was, is, forbidden, {}, {}).tables.at("public.t")->rows,
              ElementsAre(ElementsAre("2", "", "n"), ElementsAre("3", "Y", "n")));
  EXPECT_THAT(LessOtherRows(was, is, forbidden, {}, {"public.t.b"}).tables.at("public.t")->rows,
              ElementsAre(ElementsAre("2", "", "n")));
  EXPECT_THAT(LessOtherRows(was, is, forbidden, {"public.t.b"}, {}).tables.at("public.t")->rows,
              ElementsAre(ElementsAre("2", "n")));
  EXPECT_THAT(LessOtherRows(was, is, forbidden, {"public.t"}, {}).tables, IsEmpty());
  EXPECT_THAT(OnlyForbidden(forbidden, {"public.t.b"}).tables.at("public.t")->rows, ElementsAre(ElementsAre("2")));
  EXPECT_THAT(OnlyForbidden(forbidden, {"public.t"}).tables, IsEmpty());
}

}  // namespace
}  // namespace migproof
