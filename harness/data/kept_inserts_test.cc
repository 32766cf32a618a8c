#include "harness/data/kept_inserts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/data/row_generator.h"
#include "harness/data/row_watch.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::Pair;

class KeptInsertsTest : public testing::Test {
 protected:
  KeptInsertsTest() {
    session_->Execute(
        "CREATE TABLE t (id int PRIMARY KEY, note varchar(3));"
        "CREATE TABLE ruled (id int); CREATE RULE r AS ON INSERT TO ruled DO ALSO SELECT 1;"
        "CREATE TABLE secured (id int); ALTER TABLE secured ENABLE ROW LEVEL SECURITY");
    RowWatch watch(*session_, {});
    watch.Begin();
    inserts_.Begin(watch.InsertTypes());
  }

  // Whether it is kept when asked for again.
  bool IsKept(const DatasetTable& table, const std::string& returning = "") {
    inserts_.For(table, returning);
    return inserts_.For(table, returning).has_value();
  }

  static DatasetTable Rows(const std::vector<std::vector<Cell>>& rows) { return {"public.t", {"id", "note"}, rows, 0}; }

  InsertResult Put(const DatasetTable& table) {
    static const std::map<std::string, std::string> returning = {{"public.t", "id, note"}};
    return Insert(*session_, Dataset{{table}}, {.deferrable = false, .returning = &returning, .kept = &inserts_});
  }

  std::unique_ptr<Database> database_ = Database::Create(TestServer());
  std::unique_ptr<Session> session_ = database_->Connect();
  KeptInserts inserts_{*session_};
};

TEST_F(KeptInsertsTest, KeepsAFormFromItsSecondUseOn) {
  EXPECT_FALSE(inserts_.For(Rows({{"1", "a"}}), ""));
  EXPECT_TRUE(inserts_.For(Rows({{"2", std::nullopt}}), ""));
  EXPECT_TRUE(inserts_.For(Rows({{"1", "a"}, {"2", "b"}, {"3", "c"}, {"4", "d"}}), "")) << "there is room for four";
  EXPECT_FALSE(inserts_.For(Rows({{"1", "a"}, {"2", "b"}, {"3", "c"}, {"4", "d"}, {"5", "e"}}), "")) << "not for five";
  EXPECT_FALSE(inserts_.For(Rows({{"1", "a"}}), "id")) << "and so are rows that come back";
  EXPECT_FALSE(inserts_.For({"public.t", {"note", "id"}, {{"a", "1"}}, 0}, "")) << "and other columns";
}

TEST_F(KeptInsertsTest, InsertsNothingWhereRoomIsLeft) {
  session_->Execute(
      "CREATE DOMAIN named AS text NOT NULL CHECK (VALUE <> ''); CREATE TABLE d (id int, name named, note text)");
  RowWatch watch(*session_, {});
  watch.Begin();
  inserts_.Begin(watch.InsertTypes());
  const Transaction transaction(*session_);
  for (int rows = 1; rows <= 8; ++rows) {
    DatasetTable table{"public.d", {"id", "name", "note"}, {}, 0};
    for (int row = 0; row < rows; ++row) table.rows.push_back({std::to_string(row), "x", std::nullopt});
    ASSERT_TRUE(IsKept(table));
    EXPECT_TRUE(Insert(*session_, Dataset{{table}}, {.deferrable = false, .kept = &inserts_}).at_once);
    EXPECT_EQ(session_->Execute("SELECT count(*), max(id) + 1, count(note) FROM d").Get(0, 0), std::to_string(rows));
    session_->Execute("DELETE FROM d");
  }
}

TEST_F(KeptInsertsTest, KeepsNoneThatDoesSomethingElseThanItSays) {
  EXPECT_TRUE(IsKept(Rows({{"1", "a"}})));
  EXPECT_FALSE(IsKept({"public.ruled", {"id"}, {{"1"}}, 0}));
  EXPECT_FALSE(IsKept({"public.secured", {"id"}, {{"1"}}, 0}));
  EXPECT_FALSE(IsKept({"public.t", {}, {{}}, 0}));
  EXPECT_FALSE(IsKept(Rows(std::vector<std::vector<Cell>>(100, {"1", "a"}))));
}

TEST_F(KeptInsertsTest, GivesBackWhatItStores) {
  const Transaction transaction(*session_);
  for (const char* id : {"1", "2", "3"}) {
    const InsertResult result = Put(Rows({{id, "a  "}}));
    EXPECT_TRUE(result.at_once);
    EXPECT_THAT(result.stored, ElementsAre(Pair("public.t", ElementsAre(ElementsAre(Cell(id), Cell("a  "))))));
  }
  EXPECT_EQ(session_->Execute("SELECT count(*) FROM t").GetInt(0, 0), 3);
  EXPECT_EQ(session_->Execute("SHOW plan_cache_mode").Get(0, 0), "auto");
}

TEST_F(KeptInsertsTest, RefusesWhatTheTextRefuses) {
  const Transaction transaction(*session_);
  for (const char* note : {"a", "b", "four"}) {
    session_->Execute("DELETE FROM t");
    const InsertResult result = Put(Rows({{"1", note}, {"2", "b"}}));
    const bool fits = std::string(note) != "four";
    EXPECT_EQ(result.at_once, fits);
    EXPECT_EQ(result.inserted->Rows(), fits ? 2U : 1U);
    EXPECT_EQ(result.tables.at("public.t").refusals.count("22001"), fits ? 0U : 1U);
  }
  EXPECT_EQ(session_->Execute("SHOW plan_cache_mode").Get(0, 0), "auto");
}

TEST_F(KeptInsertsTest, BeginsAnewWhereColumnsHaveOtherTypes) {
  const Transaction transaction(*session_);
  for (const char* id : {"1", "2"}) Put(Rows({{id, "a"}}));
  session_->Execute("ALTER TABLE t ALTER id TYPE bigint");
  inserts_.Begin({{"public.t", {{"id", "20"}, {"note", "1043"}}}});
  for (const char* id : {"3000000000", "3000000001"}) EXPECT_TRUE(Put(Rows({{id, "a"}})).at_once) << id;
}

}  // namespace
}  // namespace migproof
