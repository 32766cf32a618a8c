// Queries that are sent together.
#include "migrations/session.h"

#include <fmt/format.h>
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

TEST_F(QueryAllTest, TakesParametersThatLiveElsewhere) {
  const Session::Prepared echo{"echo", "SELECT coalesce($1::text, 'none')", {"not this"}};
  const std::string here = "here";
  const std::uint64_t requests = session().requests();
  const auto rows = session().CallAll({{&echo, {here.c_str()}}, {&echo, {nullptr}}});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].Get(0, 0), "here");
  EXPECT_EQ(rows[1].Get(0, 0), "none");
  EXPECT_GT(session().requests(), requests);
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

// Each statement of a script that is refused, of those sent together, is named as when it is sent alone: the statement,
// its file and line, and where in it the server points.
class TogetherTest : public QueryAllTest, public testing::WithParamInterface<const char*> {};

TEST_P(TogetherTest, NamesTheStatementThatWasRefused) {
  const std::string text =
      std::string("CREATE TABLE t (a int, é text);\n-- between\n") + GetParam() + ";\n\nINSERT INTO t VALUES (2);";
  const Script script = Script::Parse(text, {"1.sql", 7});
  const auto refusal = [&](bool together) {
    const Transaction transaction(session());
    try {
      if (together) {
        session().ExecuteTogether(script, 0, script.statements().size());
      } else {
        for (const Statement& statement : script.statements()) session().Execute(script, statement);
      }
    } catch (const Error& error) {
      return fmt::format("{} | {} | {}:{}", error.message(), error.sql()->statement, error.sql()->where.file,
                         error.sql()->where.line);
    }
    return std::string("none");
  };
  EXPECT_NE(refusal(true), "none");
  EXPECT_EQ(refusal(true), refusal(false));
}

INSTANTIATE_TEST_SUITE_P(Refusals, TogetherTest,
                         testing::Values("INSERT INTO t VALUES (1 / 0)", "INSERT INTO t\n VALUES ('x')",
                                         "INSERT INTO nowhere VALUES (1)", "ALTER TABLE t ALTER a TYPE nothing",
                                         "CREATE TABLE t (a int)", "INSERT INTO t VALUES (3) x"));

TEST_F(QueryAllTest, RunsPartOfAScriptTogether) {
  const Script script = Script::Parse("CREATE TABLE t (a int); INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)", {});
  session().ExecuteTogether(script, 0, 2);
  EXPECT_EQ(session().Query("SELECT string_agg(a::text, ',') FROM t").Get(0, 0), "1");
  const std::vector<Rows> each = session().ExecuteEach("SELECT 5; UPDATE t SET a = 7; SELECT a FROM t");
  ASSERT_EQ(each.size(), 3U);
  EXPECT_EQ(each[0].Get(0, 0), "5");
  EXPECT_EQ(each[1].CommandTag(), "UPDATE 1");
  EXPECT_EQ(each[2].Get(0, 0), "7");
}

}  // namespace
}  // namespace migproof
