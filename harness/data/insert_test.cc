#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/catalog/read.h"
#include "harness/data/row_generator.h"
#include "harness/data/row_watch.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "migrations/error.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class InsertTest : public testing::Test {
 protected:
  std::string Count(const std::string& table) {
    return std::string(session_->Query("SELECT count(*) FROM " + table).Get(0, 0));
  }

  std::unique_ptr<Database> database_ = Database::Create(TestServer());
  std::unique_ptr<Session> session_ = database_->Connect();
};

TEST_F(InsertTest, CountsWhatItInserts) {
  session_->Execute("CREATE TABLE t (id int PRIMARY KEY, note text)");
  const Dataset dataset{{{"public.t", {"id", "note"}, {{"1", "a"}, {"2", std::nullopt}, {"3", std::nullopt}}, 0}}};
  const Transaction transaction(*session_);
  const InsertResult result = Insert(*session_, dataset);
  EXPECT_EQ(*result.inserted, dataset);
  const TableFill& fill = result.tables.at("public.t");
  EXPECT_EQ(fill.inserted, 3);
  EXPECT_EQ(fill.refused, 0);
  EXPECT_EQ(Count("t"), "3");
}

TEST_F(InsertTest, KeepsWhatIsNotRefused) {
  session_->Execute(
      "CREATE TABLE t (id int PRIMARY KEY, price int CONSTRAINT price_check CHECK (price > 0), m int NOT NULL);"
      "CREATE TABLE u (t int REFERENCES t)");
  const Dataset dataset{
      {{"public.t", {"id", "price", "m"}, {{"1", "-1", "0"}, {"2", "1", "0"}, {"3", "1", std::nullopt}}, 0},
       {"public.u", {"t"}, {{"1"}, {"2"}, {"2"}}, 1}}};
  const Transaction transaction(*session_);
  const InsertResult result = Insert(*session_, dataset);
  EXPECT_THAT(result.tables.at("public.t").refusals, ElementsAre(Pair("23502", 1), Pair("23514 price_check", 1)));
  EXPECT_EQ(result.tables.at("public.t").messages.at("23514 price_check"),
            "new row for relation \"t\" violates check constraint \"price_check\" (SQLSTATE 23514)");
  EXPECT_EQ(result.tables.at("public.t").inserted, 1);
  EXPECT_EQ(result.tables.at("public.t").refused, 2);
  EXPECT_THAT(result.tables.at("public.u").refusals, ElementsAre(Pair("23503 u_t_fkey", 1)));
  EXPECT_EQ(Count("t") + Count("u"), "12");
  const Dataset kept{
      {{"public.t", {"id", "price", "m"}, {{"2", "1", "0"}}, 0}, {"public.u", {"t"}, {{"2"}, {"2"}}, 1}}};
  EXPECT_EQ(*result.inserted, kept);
}

TEST_F(InsertTest, InsertsCyclesAndTheirSmallerParts) {
  session_->Execute(
      "CREATE TABLE a (id int PRIMARY KEY, b int NOT NULL); CREATE TABLE b (id int PRIMARY KEY, a int NOT NULL "
      "REFERENCES a, v int CHECK (v > 0)); ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b");
  Dataset dataset{{{"public.a", {"id", "b"}, {{"1", "1"}, {"2", "1"}}, 0},
                   {"public.b", {"id", "a", "v"}, {{"1", "2", "1"}, {"2", "1", "-1"}}, 0}}};
  const Transaction transaction(*session_);
  const InsertResult result = Insert(*session_, dataset);
  EXPECT_EQ(Count("a") + Count("b"), "21");
  EXPECT_THAT(result.tables.at("public.b").refusals, ElementsAre(Pair("23514 b_v_check", 1)));
  dataset.tables[1].rows.pop_back();
  EXPECT_EQ(*result.inserted, dataset);
}

// Of many rows that make a cycle, only the bad ones stay out, and those that need them.
TEST_F(InsertTest, InsertsALargeCycleRoundByRound) {
  session_->Execute(
      "CREATE TABLE a (id int PRIMARY KEY, b int); CREATE TABLE b (id int PRIMARY KEY, a int NOT NULL REFERENCES a, "
      "v int CHECK (v > 0)); ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b");
  Dataset dataset{{{"public.a", {"id", "b"}, {}, 0}, {"public.b", {"id", "a", "v"}, {}, 0}}};
  constexpr int kRows = 300;
  for (int i = 1; i <= kRows; ++i) {
    const std::string id = std::to_string(i);
    dataset.tables[0].rows.push_back({id, i == 1 ? Cell() : Cell(std::to_string(i > 200 ? 1 : 2))});
    dataset.tables[1].rows.push_back({id, i == 2 ? "1" : id, i % 100 == 0 ? "-1" : "1"});
  }
  const Transaction transaction(*session_);
  const InsertResult result = Insert(*session_, dataset);
  EXPECT_THAT(result.tables.at("public.b").refusals, ElementsAre(Pair("23514 b_v_check", 3)));
  EXPECT_THAT(result.tables.at("public.a").refusals, IsEmpty());
  EXPECT_EQ(Count("a") + Count("b"), "300297");
}

// Constraints that are deferred at first are checked with each insert, and deferred again afterwards.
TEST_F(InsertTest, ChecksDeferredConstraintsAtOnceAndDefersThemAgain) {
  session_->Execute(
      "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (p int CONSTRAINT later REFERENCES p DEFERRABLE INITIALLY "
      "DEFERRED); CREATE TABLE d (p int CONSTRAINT \"Now\" REFERENCES p DEFERRABLE INITIALLY IMMEDIATE)");
  const Transaction transaction(*session_);
  const InsertResult result = Insert(*session_, Dataset{{{"public.c", {"p"}, {{"1"}}, 0}}});
  EXPECT_THAT(result.tables.at("public.c").refusals, ElementsAre(Pair("23503 later", 1)));
  EXPECT_THAT(result.inserted->tables, IsEmpty());
  EXPECT_NO_THROW(session_->Execute("INSERT INTO c VALUES (1); DELETE FROM c"));
  EXPECT_THROW(session_->Execute("INSERT INTO d VALUES (1)"), Error);
}

TEST_F(InsertTest, NamesWhatATriggerRefuses) {
  session_->Execute(
      "CREATE TABLE t (a int); CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' "
      "USING ERRCODE = 'ZZ001', CONSTRAINT = 'house rule'; END $$;"
      "CREATE TRIGGER no BEFORE INSERT ON t FOR EACH ROW WHEN (NEW.a > 1) EXECUTE FUNCTION no()");
  const Transaction transaction(*session_);
  const InsertResult result = Insert(*session_, Dataset{{{"public.t", {"a"}, {{"1"}, {"2"}, {"3"}}, 0}}});
  EXPECT_THAT(result.tables.at("public.t").refusals, ElementsAre(Pair("ZZ001 house rule", 2)));
  EXPECT_EQ(session_->transaction_state(), TransactionState::kOpen);
}

TEST_F(InsertTest, IsToldWhetherAnythingWaits) {
  const auto has = [&](const std::string& sql) {
    session_->Execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public;" + sql);
    CatalogReader reader(*session_);
    return HasDeferrable(reader.Read());
  };
  EXPECT_FALSE(has("CREATE TABLE t (a int PRIMARY KEY, b int UNIQUE REFERENCES t)"));
  EXPECT_TRUE(has("CREATE TABLE t (a int PRIMARY KEY, b int REFERENCES t DEFERRABLE)"));
  EXPECT_TRUE(has("CREATE TABLE t (a int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)"));
  EXPECT_TRUE(has("CREATE TABLE t (a int UNIQUE DEFERRABLE)"));
  EXPECT_TRUE(has("CREATE TABLE t (a int4range, EXCLUDE USING gist (a WITH &&) DEFERRABLE)"));
  EXPECT_TRUE(
      has("CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
          "CREATE CONSTRAINT TRIGGER c AFTER INSERT ON t DEFERRABLE FOR EACH ROW EXECUTE FUNCTION f()"));
}

TEST_F(InsertTest, LeavesAnEmptyDatasetAlone) {
  const Transaction transaction(*session_);
  EXPECT_THAT(Insert(*session_, Dataset()).tables, IsEmpty());
}

TEST_F(InsertTest, PassesOnABrokenConnection) {
  session_->Execute("CREATE TABLE t (a int); BEGIN");
  database_->Connect()->Query("SELECT pg_terminate_backend($1)", {std::to_string(session_->backend_pid())});
  EXPECT_THROW(Insert(*session_, Dataset{{{"public.t", {"a"}, {{"1"}}, 0}}}), Error);
}

// What triggers and defaults make of a row comes back with it, where all rows went in.
TEST_F(InsertTest, GivesBackWhatTheServerStored) {
  session_->Execute(
      "CREATE TABLE t (id int PRIMARY KEY, note char(3), made int DEFAULT 7);"
      "CREATE TABLE u (t int REFERENCES t); CREATE TABLE v (a int)");
  const std::map<std::string, std::string> returning = {{"public.t", "id, made, note"}, {"public.u", "t"}};
  const Dataset dataset{{{"public.t", {"id", "note"}, {{"1", "a"}, {"2", std::nullopt}}, 0},
                         {"public.u", {"t"}, {{"1"}}, 1},
                         {"public.v", {"a"}, {{"5"}}, 2}}};
  const Transaction transaction(*session_);
  for (const bool deferrable : {false, true}) {
    session_->Execute("SAVEPOINT here");
    const InsertResult result = Insert(*session_, dataset, {.deferrable = deferrable, .returning = &returning});
    EXPECT_EQ(*result.inserted, dataset);
    const std::vector<std::vector<Cell>> t = {{"1", "7", "a  "}, {"2", "7", std::nullopt}};
    const std::vector<std::vector<Cell>> u = {{"1"}};
    EXPECT_THAT(result.stored, ElementsAre(Pair("public.t", t), Pair("public.u", u)));
    session_->Execute("ROLLBACK TO here");
  }
  Dataset refused = dataset;
  refused.tables[1].rows.push_back({"9"});
  EXPECT_THAT(Insert(*session_, refused, {.deferrable = false, .returning = &returning}).stored, IsEmpty());
}

TEST_F(InsertTest, SendsAlongWhatComesBeforeAndAfter) {
  session_->Execute("CREATE TABLE t (id int PRIMARY KEY)");
  RowWatch watch(*session_, {});
  watch.Begin();
  KeptInserts kept(*session_);
  kept.Begin(watch.InsertTypes());
  const InsertOptions options{.deferrable = true,
                              .kept = &kept,
                              .before = {{"", "BEGIN", {}}},
                              .after = {{"counted", "SELECT count(*) + $1::int FROM t", {"10"}}}};
  const auto told = [&](const std::vector<std::vector<Cell>>& rows) {
    const InsertResult result = Insert(*session_, Dataset{{{"public.t", {"id"}, rows, 0}}}, options);
    std::string text = fmt::format("{} in, ", result.inserted->Rows());
    for (const Rows& answer : result.told) text += fmt::format("told {}, ", answer.Get(0, 0));
    text += session_->transaction_state() == TransactionState::kOpen ? "open" : "not open";
    session_->Execute("ROLLBACK");
    return text;
  };
  EXPECT_EQ(told({{"1"}, {"2"}}), "2 in, open") << "it is not kept yet";
  EXPECT_EQ(told({{"1"}, {"2"}}), "2 in, told 12, open");
  EXPECT_EQ(told({{"1"}, {"1"}}), "1 in, open") << "one is refused";
  EXPECT_EQ(told({{"3"}}), "1 in, told 11, open");
}

}  // namespace
}  // namespace migproof
