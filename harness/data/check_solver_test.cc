#include "harness/data/check_solver.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "harness/catalog/read.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"

namespace migproof {
namespace {

struct CheckExample {
  const char* columns;  // of the table
  const char* check;    // as a user writes it
};

// Each is understood, and solved for rows on both sides.
const CheckExample kUnderstood[] = {
    {"a int", "a > 0"},
    {"a int", "0 <= a"},
    {"a smallint", "a BETWEEN 32760 AND 40000"},
    {"a bigint", "a <> 5 AND a > 4 AND a < 7"},
    {"a numeric(10,2)", "a > 0 AND a <= 100"},
    {"a numeric", "a >= -0.5 AND a < 0.5"},
    {"a double precision", "a >= 0 AND a <= 1"},
    {"a real", "a > 0.25"},
    {"a text", "a IN ('draft', 'it''s', E'back\\\\slash')"},
    {"a varchar(20)", "a IN ('new', 'old')"},
    {"a char(3)", "a IN ('EUR', 'USD')"},
    {"a text", "a NOT IN ('', 'x')"},
    {"a text", "a <> ''"},
    {"a text", "btrim(a) <> ''"},
    {"a text", "length(a) >= 3"},
    {"a text", "char_length(a) BETWEEN 5 AND 7"},
    {"a varchar(10)", "length(a) > 9"},
    {"a text", "octet_length(a) = 4"},
    {"a text", "length(btrim(a)) > 0"},
    {"a text", "char_length(trim(a)) > 0"},
    {"a varchar(20)", "trim(LEADING FROM a) <> '' AND trim(TRAILING 'xy' FROM a) = a"},
    {"a text", "a ~ '^[A-Z]{2}[0-9]+$'"},
    {"a varchar(12)", "a ~ '^\\d{3}-\\d{4}$'"},
    {"a text", "a ~* '^[a-z0-9._%+-]+@[a-z0-9.-]+\\.[a-z]{2,4}$'"},
    {"a text", "a ~ '^(red|green|blue)$'"},
    {"a text", "a ~ '^#?([[:xdigit:]]{6}|[a-f0-9]{3})$'"},
    {"a text", "a !~ '[[:space:]]'"},
    {"a text", "a ~ '^\\w+(\\s\\w+)*$' AND length(a) < 12"},
    {"a text", "a LIKE 'http%' AND a NOT LIKE '% %'"},
    {"a text", "a ILIKE 'ab\\_c_'"},
    {"a text", "a = lower(a)"},
    {"a ext.citext", "a OPERATOR(ext.~) '^[a-z]+@[a-z](?:[a-z-]{0,3}[a-z])?(?:\\.[a-z]{2})*$'"},
    {"a ext.citext", "a OPERATOR(ext.~~) 'http%' AND a OPERATOR(ext.!~~) '%B%'"},
    {"a ext.citext", "a OPERATOR(ext.=) ANY (ARRAY['Yes'::ext.citext, 'no'])"},
    {"a ext.citext", "a OPERATOR(ext.<>) ''"},
    {"a ext.email", "a OPERATOR(ext.<>) 'a@a'"},
    {"a text", "lower(a) IN ('yes', 'no')"},
    {"a boolean", "a"},
    {"a boolean", "NOT a"},
    {"a boolean", "a IS NOT TRUE"},
    {"a date", "a >= '2020-02-28' AND a < '2020-03-02'"},
    {"a timestamp", "a > '2020-01-01 12:00:00'"},
    {"a uuid", "a <> '00000000-0000-0000-0000-000000000000'"},
    {"a mood", "a <> 'sad'"},
    {"a mood", "a IN ('ok', 'happy')"},
    {"a mood", "a > 'sad'"},
    {"a int, b int", "a < b"},
    {"a int, b int", "a <= b AND b <= 3 AND a >= 2"},
    {"a date, b date", "b > a"},
    {"a timestamptz, b timestamptz", "a < b"},
    {"a int, b int", "a + b = 10"},
    {"a int, b int", "a * 2 <= b"},
    {"a int, b int", "a IS NULL OR b IS NULL"},
    {"a int, b int", "(a IS NULL) <> (b IS NULL)"},
    {"a int, b text, c date", "num_nonnulls(a, b, c) = 1"},
    {"a int, b text", "a IS NOT NULL OR b = 'none'"},
    {"a text, b int", "a <> 'paid' OR b > 0"},
    {"a int", "a IS NOT NULL"},
    {"a int", "a IS NOT DISTINCT FROM 7"},
    {"a int", "COALESCE(a, 0) >= 5"},
    {"a int", "abs(a) > 100"},
    {"a int[]", "cardinality(a) BETWEEN 2 AND 3"},
    {"a bytea", "octet_length(a) = 32"},
    {"a bytea", "length(a) > 3 AND length(a) < 6"},
    {"a jsonb", "jsonb_typeof(a) = 'array'"},
    {"\"Odd Name\" int", "\"Odd Name\" = ANY (ARRAY[3, 5, 7])"},
    {"a positive, b int", "a < 3 AND b > a"},
    {"a money", "a >= 0::money"},
    {"a int, b int[]", "a = ANY (b)"},
    {"a mood, b mood[]", "cardinality(b) > 0 AND (a IS NULL OR a = ANY (b))"},
    {"a varchar(9), b text[]", "a <> ALL (b) AND a IS NOT NULL"},
    {"a text, b uuid", "(a IS NOT NULL)::int + (b IS NOT NULL)::int = 1"},
    {"a int, b text", "NOT (a IS NULL OR a < 1000 OR b !~ '^[a-z]{3}$')"},
};

// Not understood whole, and yet what is understood of it is kept to.
const CheckExample kPartly[] = {
    {"a int, b text", "a > 10 AND md5(b) <> 'x'"},
    {"a date", "a > '2000-01-01' AND EXTRACT(year FROM a) > 1999"},
    {"a int", "CASE WHEN a > 0 THEN a < 10 ELSE true END"},
    {"a date", "a <= CURRENT_DATE + 100000"},
    {"a int, b text", "a > 10 AND b OPERATOR(ext.=) 'x'"},
    {"a int, b ext.citext", "a > 10 AND b OPERATOR(ext.<) 'x'"},
};

class CheckSolverOnServer : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    database_ = Database::Create(TestServer());
    session_ = database_->Connect();
    session_->Execute(
        "CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; "
        "CREATE OPERATOR ext.= (LEFTARG = text, RIGHTARG = text, FUNCTION = textne); "
        "CREATE DOMAIN ext.email AS ext.citext CHECK (VALUE OPERATOR(ext.~) '^[a-z]+@[a-z]+$'); "
        "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); CREATE DOMAIN positive AS int CHECK (VALUE > 0)");
  }
  static void TearDownTestSuite() {
    session_.reset();
    database_.reset();
  }

  // The table made, its CHECK's definition as the server writes it, and its columns.
  struct Table {
    std::string definition;
    CheckColumns columns;
  };
  static Table Make(const CheckExample& example) {
    session_->Execute("DROP TABLE IF EXISTS t");
    session_->Execute(fmt::format("CREATE TABLE t ({}, CONSTRAINT k CHECK ({}))", example.columns, example.check));
    const Catalog catalog = CatalogReader(*session_).Read();
    Table table;
    table.definition =
        session_->Query("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'k'").Get(0, 0);
    for (const std::string& name : catalog.Names("column")) {
      if (!name.starts_with("public.t.")) continue;
      table.columns[name.substr(9)] = {ResolveType(catalog, catalog.Attribute("column", name, "type")), true};
    }
    return table;
  }

  // "" where the server takes the row, else the SQLSTATE.
  static std::string Try(const CheckRow& row) {
    std::string names;
    std::string values;
    for (const auto& [name, cell] : row) {
      names += (names.empty() ? "" : ", ") + name;
      values += (values.empty() ? "" : ", ") + (cell ? session_->QuoteLiteral(*cell) : "NULL");
    }
    try {
      session_->Execute(fmt::format("INSERT INTO t ({}) VALUES ({})", names, values));
      return "";
    } catch (const Error& error) {
      return error.sql() ? error.sql()->sqlstate : "?";
    }
  }

  static std::string Show(const CheckRow& row) {
    std::string text;
    for (const auto& [name, cell] : row) text += fmt::format("{}={} ", name, cell ? "'" + *cell + "'" : "NULL");
    return text;
  }

  static std::unique_ptr<Database> database_;
  static std::unique_ptr<Session> session_;
};

std::unique_ptr<Database> CheckSolverOnServer::database_;
std::unique_ptr<Session> CheckSolverOnServer::session_;

TEST_F(CheckSolverOnServer, SolvesForRowsThatPass) {
  for (const CheckExample& example : kUnderstood) {
    const Table table = Make(example);
    const CheckSolver solver({table.definition});
    EXPECT_TRUE(solver.understood()) << table.definition;
    Random random(1);
    std::set<CheckRow> rows;
    for (int i = 0; i < 20; ++i) {
      const auto row = solver.Solve(table.columns, {}, random);
      if (!row) {
        ADD_FAILURE() << "no solution for " << table.definition;
        break;
      }
      if (rows.insert(*row).second) {
        EXPECT_EQ(Try(*row), "") << Show(*row) << table.definition;
      }
      EXPECT_EQ(solver.Judge(table.columns, *row), CheckVerdict::kPasses) << Show(*row) << table.definition;
    }
  }
}

TEST_F(CheckSolverOnServer, FindsRowsThatFail) {
  for (const CheckExample& example : kUnderstood) {
    const Table table = Make(example);
    const CheckSolver solver({table.definition});
    Random random(2);
    const std::vector<CheckRow> rows = solver.Counters(table.columns, {}, random);
    EXPECT_FALSE(rows.empty()) << table.definition;
    for (const CheckRow& row : rows) EXPECT_EQ(Try(row), "23514") << Show(row) << table.definition;
  }
}

TEST_F(CheckSolverOnServer, KeepsToWhatItUnderstands) {
  for (const CheckExample& example : kPartly) {
    const Table table = Make(example);
    const CheckSolver solver({table.definition});
    EXPECT_FALSE(solver.understood()) << table.definition;
    Random random(3);
    for (int i = 0; i < 10; ++i) {
      const auto row = solver.Solve(table.columns, {}, random);
      EXPECT_TRUE(row.has_value()) << table.definition;
    }
    for (const CheckRow& row : solver.Counters(table.columns, {}, random)) {
      EXPECT_EQ(Try(row), "23514") << Show(row) << table.definition;
    }
  }
}

TEST_F(CheckSolverOnServer, SolvesTheRestOfAGivenRow) {
  const Table table = Make({"a int, b int, c int", "a < b AND b < c"});
  const CheckSolver solver({table.definition});
  Random random(4);
  for (int i = 0; i < 20; ++i) {
    const CheckRow given = {{"b", "5"}};
    const auto row = solver.Solve(table.columns, given, random);
    ASSERT_TRUE(row.has_value());
    EXPECT_EQ(row->count("b"), 0U);
    CheckRow whole = *row;
    whole.insert(given.begin(), given.end());
    EXPECT_EQ(Try(whole), "") << Show(whole);
  }
  for (CheckRow row : solver.Counters(table.columns, {{"b", "5"}}, random)) {
    row["b"] = "5";
    EXPECT_EQ(Try(row), "23514") << Show(row);
  }
}

CheckColumns Typed(const std::string& column, const std::string& type) {
  return {{column, {ResolveType(Catalog(), type), true}}};
}

TEST(CheckSolver, ListsLiteralsByColumn) {
  const CheckSolver solver({"CHECK (((price > (0)::numeric) AND (price <= (100)::numeric)))",
                            "CHECK (((state)::text = ANY ((ARRAY['new'::character varying, 'old'::character "
                            "varying])::text[])))",
                            "CHECK ((length(note) < 10)) NOT VALID"});
  const std::map<std::string, std::vector<std::string>> expected = {{"price", {"0", "100"}}, {"state", {"new", "old"}}};
  EXPECT_EQ(solver.Literals(), expected);
  EXPECT_EQ(solver.columns(), (std::set<std::string>{"note", "price", "state"}));
  EXPECT_TRUE(solver.understood());
}

TEST(CheckSolver, ComesUponBothSidesOfABoundary) {
  const CheckSolver solver({"CHECK (((price > (0)::numeric) AND (price <= (100)::numeric)))"});
  const ColumnType type = ResolveType(Catalog(), "numeric(10,2)");
  Random random(5);
  std::set<std::string> solved;
  for (int i = 0; i < 60; ++i) solved.insert(solver.SolveOne("price", type, random).value_or("none"));
  EXPECT_EQ(solved.count("0.01"), 1U);
  EXPECT_EQ(solved.count("100"), 1U);
  const std::vector<std::string> counters = solver.CountersOne("price", type, random);
  EXPECT_NE(std::find(counters.begin(), counters.end(), "0"), counters.end());
  EXPECT_NE(std::find(counters.begin(), counters.end(), "100.01"), counters.end());
}

TEST(CheckSolver, GivesTheSameForTheSameSeed) {
  const CheckSolver solver({"CHECK ((a ~ '^[a-z]{1,8}(-[a-z]+)*$'::text))"});
  const auto draw = [&] {
    Random random(6);
    std::vector<std::optional<CheckRow>> rows;
    for (int i = 0; i < 20; ++i) rows.push_back(solver.Solve(Typed("a", "text"), {}, random));
    return rows;
  };
  EXPECT_EQ(draw(), draw());
}

TEST(CheckSolver, FindsNothingWhereNothingPasses) {
  const CheckSolver solver({"CHECK ((a > 5))", "CHECK ((a < 5))"});
  Random random(7);
  EXPECT_FALSE(solver.SolveOne("a", ResolveType(Catalog(), "integer"), random));
}

TEST(CheckSolver, TakesAnyTextForADefinition) {
  for (const char* text : {"", "CHECK", "CHECK (", "CHECK ((a > ", "CHECK ((a ~ '(('::text))", "CHECK ((a IN))", "x",
                           "CHECK ((((((", "CHECK (('", "CHECK ((a = ANY (1)))", "CHECK ((a[1] > 0))"}) {
    const CheckSolver solver({text});
    EXPECT_FALSE(solver.understood()) << text;
    EXPECT_NE(solver.Judge(Typed("a", "integer"), {{"a", "1"}}), CheckVerdict::kFails) << text;
  }
}

}  // namespace
}  // namespace migproof
