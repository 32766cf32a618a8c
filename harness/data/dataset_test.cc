#include "harness/data/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "migrations/error.h"

namespace migproof {
namespace {

using testing::ElementsAre;

Dataset Orders() {
  return {{{"public.customers", {"id", "\"full name\""}, {{"1", "O'Hara \\ \n x"}, {"2", std::nullopt}}, 0},
           {"public.a", {"id", "b"}, {{"1", "2"}}, 1},
           {"public.b", {"id", "a"}, {{"2", "1"}, {"3", "1"}}, 1},
           {"public.empty", {"id"}, {}, 2},
           {"public.nothing", {}, {{}, {}}, 3}}};
}

TEST(Dataset, CountsItsRows) { EXPECT_EQ(Orders().Rows(), 7U); }

TEST(Dataset, SurvivesJson) {
  EXPECT_EQ(DatasetFromJson(ToJson(Orders())), Orders());
  EXPECT_EQ(ToJson(Orders())["tables"][0].dump(),
            R"({"columns":["id","\"full name\""],"group":0,"rows":[["1","O'Hara \\ \n x"],["2",null]],)"
            R"("table":"public.customers"})");
}

TEST(Dataset, KeepsInJsonWhatItsRowsAreFor) {
  Dataset fresh = Orders();
  fresh.new_shape = true;
  EXPECT_EQ(DatasetFromJson(ToJson(fresh)), fresh);
  Dataset forbidden = Orders();
  forbidden.forbidden = true;
  EXPECT_EQ(DatasetFromJson(ToJson(forbidden)), forbidden);
  EXPECT_NE(DatasetFromJson(ToJson(Orders())), forbidden);
}

TEST(Dataset, RefusesJsonThatIsNone) {
  EXPECT_THROW(DatasetFromJson({{"tables", 1}}), Error);
  EXPECT_THROW(DatasetFromJson(nlohmann::json::parse(
                   R"({"tables": [{"table": "t", "columns": ["a"], "rows": [["1", "2"]], "group": 0}]})")),
               Error);
}

TEST(Dataset, InsertsAGroupInOneReadableStatement) {
  EXPECT_THAT(InsertStatements(Orders()),
              ElementsAre("INSERT INTO public.customers (id, \"full name\") OVERRIDING SYSTEM VALUE VALUES\n"
                          "  ('1', 'O''Hara \\ \n x'),\n"
                          "  ('2', NULL);\n",
                          "WITH filled_1 AS (\n"
                          "  INSERT INTO public.a (id, b) OVERRIDING SYSTEM VALUE VALUES\n"
                          "    ('1', '2')\n"
                          ")\n"
                          "INSERT INTO public.b (id, a) OVERRIDING SYSTEM VALUE VALUES\n"
                          "  ('2', '1'),\n"
                          "  ('3', '1');\n",
                          "INSERT INTO public.nothing SELECT FROM generate_series(1, 2);\n"));
}

// Literals without a type take that of their column, also beside NULLs, in later rows and inside a CTE.
TEST(Dataset, InsertsEveryTypeFromText) {
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  session->Execute(
      "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TYPE pair AS (a int, b text); CREATE DOMAIN even AS int CHECK "
      "(VALUE % 2 = 0);"
      "CREATE TABLE a (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, j jsonb, l text[], m mood, e even, p pair, "
      "r tstzrange, s bytea, b int);"
      "CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a); ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b;"
      "CREATE TABLE defaults (a int DEFAULT 7); CREATE TABLE nothing ()");
  const std::vector<std::string> columns{"id", "j", "l", "m", "e", "p", "r", "s", "b"};
  const std::vector<std::vector<Cell>> rows{
      {"5", std::nullopt, std::nullopt, std::nullopt, std::nullopt, std::nullopt, std::nullopt, std::nullopt, "1"},
      {"6", R"({"a": "\\x'"})", R"({"a b",NULL,"\\"})", "ok", "12", R"((1,"x'\\y"))", "[2020-01-01 00:00:00+00,)",
       "\\x00ff", "2"}};
  const Dataset dataset{{{"public.a", columns, rows, 0},
                         {"public.b", {"id", "a"}, {{"1", "6"}, {"2", "5"}}, 0},
                         {"public.defaults", {}, {{}, {}}, 1},
                         {"public.nothing", {}, {{}, {}, {}}, 2}}};
  for (const std::string& statement : InsertStatements(dataset)) session->Execute(statement);
  const Rows read =
      session->Query("SELECT id, j ->> 'a', l[3], m, e, (p).b, lower(r) > '2019-01-01', s, b FROM a ORDER BY 1");
  ASSERT_EQ(read.size(), 2);
  EXPECT_TRUE(read.IsNull(0, 1));
  EXPECT_EQ(read.Get(1, 1), "\\x'");
  EXPECT_EQ(read.Get(1, 2), "\\");
  EXPECT_EQ(read.Get(1, 3), "ok");
  EXPECT_EQ(read.Get(1, 4), "12");
  EXPECT_EQ(read.Get(1, 5), "x'\\y");
  EXPECT_EQ(read.Get(1, 6), "t");
  EXPECT_EQ(read.Get(1, 7), "\\x00ff");
  EXPECT_EQ(session->Query("SELECT sum(a) FROM defaults").Get(0, 0), "14");
  EXPECT_EQ(session->Query("SELECT count(*) FROM nothing").Get(0, 0), "3");
}

}  // namespace
}  // namespace migproof
