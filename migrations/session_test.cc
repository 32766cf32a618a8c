// Queries that are sent together.
#include "migrations/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ci/expect_error.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"

namespace migproof {
namespace {

class QueryAllTest : public testing::Test {
 protected:
  Session& session() { return *session_; }

 private:
  std::unique_ptr<Database> database_ = Database::Create(TestServer());
  std::unique_ptr<Session> session_ = database_->Connect();
};

TEST_F(QueryAllTest, GivesTheResultsInOrder) {
  const auto rows =
      session().QueryAll({{"one", "SELECT $1::text", {"a"}}, {"", "SELECT 2", {}}, {"three", "SELECT 3", {}}});
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].Get(0, 0), "a");
  EXPECT_EQ(rows[1].Get(0, 0), "2");
  EXPECT_EQ(rows[2].Get(0, 0), "3");
}

TEST_F(QueryAllTest, PreparesOnceWhatIsAskedTwice) {
  for (int round = 0; round < 2; ++round) {
    const auto rows = session().QueryAll({{"echo", "SELECT $1::text", {"a"}}, {"echo", "SELECT $1::text", {"b"}}});
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].Get(0, 0), "a");
    EXPECT_EQ(rows[1].Get(0, 0), "b");
  }
  EXPECT_EQ(session().QueryPrepared("echo", "SELECT $1::text", {"c"}).Get(0, 0), "c");
  EXPECT_EQ(session().Query("SELECT count(*) FROM pg_prepared_statements").Get(0, 0), "1");
}

TEST_F(QueryAllTest, PreparesEachWhereItStands) {
  const auto rows = session().QueryAll(
      {{"", "CREATE TEMP TABLE made AS SELECT 'here' AS v", {}}, {"asked", "SELECT v FROM made", {}}});
  EXPECT_EQ(rows[1].Get(0, 0), "here");
}

TEST_F(QueryAllTest, KnowsAfterARefusalWhatIsPrepared) {
  const std::vector<Session::Prepared> queries = {
      {"first", "SELECT 1", {}}, {"refused", "SELECT 1 / $1::int", {"0"}}, {"last", "SELECT 3", {}}};
  const Error refusal = ErrorOf([&] { session().QueryAll(queries); });
  EXPECT_EQ(refusal.sqlstate(), "22012");
  EXPECT_EQ(refusal.sql()->statement, "SELECT 1 / $1::int");
  std::vector<Session::Prepared> mended = queries;
  mended[1].parameters = {"1"};
  EXPECT_EQ(session().QueryAll(mended).size(), 3U);
}

TEST_F(QueryAllTest, NamesTheQueryThatCanNotBePrepared) {
  const Error refusal = ErrorOf([&] { session().QueryAll({{"", "SELECT 1", {}}, {"wrong", "SELECT nothing", {}}}); });
  EXPECT_EQ(refusal.sqlstate(), "42703");
  EXPECT_EQ(refusal.sql()->statement, "SELECT nothing");
  EXPECT_EQ(session().QueryAll({{"wrong", "SELECT 1", {}}}).size(), 1U);
}

}  // namespace
}  // namespace migproof
