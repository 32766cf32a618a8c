#include "harness/data/trigger_checks.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/catalog/read.h"
#include "harness/data/check_solver.h"
#include "harness/data/table_model.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kBefore =
    "CREATE TRIGGER g BEFORE INSERT OR UPDATE ON public.t FOR EACH ROW EXECUTE FUNCTION public.g()";

std::vector<std::string> ChecksOf(const std::string& body, const std::string& definition = kBefore) {
  return TriggerChecks({{.definition = definition, .body = body}}, {"a", "b", "\"C d\"", "kind"});
}

TEST(TriggerChecks, SayWhatIsRefused) {
  EXPECT_THAT(ChecksOf("BEGIN IF NEW.a <= 0 THEN RAISE EXCEPTION 'no'; END IF; RETURN NEW; END"),
              ElementsAre("CHECK (NOT (( a <= 0)))"));
  EXPECT_THAT(
      ChecksOf("DECLARE n int; BEGIN -- a word\n IF new.\"C d\" is null or NEW.KIND not in ('x', 'Y') THEN RAISE "
               "'no'; END IF; RETURN NEW; END;"),
      ElementsAre("CHECK (NOT (( \"C d\" IS NULL OR kind NOT IN ('x', 'Y'))))"));
  EXPECT_THAT(ChecksOf("BEGIN IF NEW.a!=-1 THEN RETURN NULL; END IF; RETURN NEW; END"),
              ElementsAre("CHECK (NOT (( a<> -1)))"));
}

TEST(TriggerChecks, FollowTheBranches) {
  EXPECT_THAT(ChecksOf("BEGIN IF TG_OP = 'INSERT' THEN IF NEW.a > 5 THEN RAISE EXCEPTION 'no'; END IF; END IF; "
                       "RETURN NEW; END"),
              ElementsAre("CHECK (NOT (( 'INSERT' = 'INSERT') AND ( a > 5)))"));
  EXPECT_THAT(ChecksOf("BEGIN IF NEW.a IS NULL THEN RETURN NEW; ELSIF NEW.a = 1 THEN NULL; ELSE RAISE 'no'; END IF; "
                       "IF NEW.b = 2 THEN RAISE NOTICE 'hm'; RAISE 'no'; END IF; RETURN NEW; END"),
              ElementsAre("CHECK (NOT ((NOT ( a IS NULL)) AND (NOT ( a = 1))))",
                          "CHECK (NOT ((NOT ( a IS NULL)) AND ( b = 2)))"));
}

TEST(TriggerChecks, NameWhatTheyDoNotKnow) {
  EXPECT_THAT(
      ChecksOf("DECLARE n int; BEGIN SELECT count(*) INTO n FROM t; IF n > 3 AND NEW.a < OLD.a THEN RAISE 'no'; "
               "END IF; RETURN NEW; END"),
      ElementsAre("CHECK (NOT (( N > 3 AND a < OLD.A)))"));
}

TEST(TriggerChecks, SayNothingOfOtherRowsAndEvents) {
  const std::string body = "BEGIN IF NEW.a <= 0 THEN RAISE EXCEPTION 'no'; END IF; RETURN NULL; END";
  EXPECT_THAT(ChecksOf(body, "CREATE TRIGGER g AFTER UPDATE OF a ON public.t FOR EACH ROW EXECUTE FUNCTION public.g()"),
              IsEmpty());
  EXPECT_THAT(
      ChecksOf(body, "CREATE TRIGGER g AFTER INSERT ON public.t FOR EACH STATEMENT EXECUTE FUNCTION public.g()"),
      IsEmpty());
  EXPECT_THAT(ChecksOf(body,
                       "CREATE TRIGGER g AFTER INSERT ON public.t FOR EACH ROW WHEN ((new.b IS NULL)) EXECUTE "
                       "FUNCTION public.g()"),
              ElementsAre("CHECK (NOT (( ((b IS NULL))) AND ( a <= 0)))"));
}

TEST(TriggerChecks, LeaveOutWhatATriggerAssigns) {
  const RowTrigger check{.definition = kBefore,
                         .body =
                             "BEGIN IF NEW.a IS NULL THEN RAISE 'no'; END IF; IF NEW.b > 1 THEN RAISE 'no'; END IF; "
                             "RETURN NEW; END"};
  const auto beside = [&](const std::string& body) {
    return TriggerChecks({{.definition = kBefore, .body = body}, check}, {"a", "b"});
  };
  EXPECT_THAT(beside("BEGIN NEW.A := 1; RETURN NEW; END"), ElementsAre("CHECK (NOT (( b > 1)))"));
  EXPECT_THAT(beside("BEGIN SELECT 1, 2 INTO NEW.a, NEW.b; RETURN NEW; END"), IsEmpty());
  EXPECT_THAT(beside("BEGIN NEW = other(NEW); RETURN NEW; END"), IsEmpty());
  EXPECT_THAT(beside(""), IsEmpty());  // a function in another language
  EXPECT_THAT(beside("BEGIN IF NEW.a = 1 THEN NULL; END IF; RETURN NEW; END"), testing::SizeIs(2));
}

TEST(TriggerChecks, TakeAnyBody) {
  for (const char* body : {"", "BEGIN", "BEGIN IF", "BEGIN IF NEW.a", "BEGIN IF NEW.a THEN", "IF NEW. THEN RAISE",
                           "BEGIN IF NEW.a THEN NULL; RAISE", "BEGIN ELSE RAISE; END", "BEGIN RAISE 'no'; END",
                           "BEGIN LOOP IF NEW.a = 1 THEN RAISE 'x'; END IF; END LOOP; END",
                           "BEGIN IF NEW.a = 1 THEN RAISE 'x'; END IF; EXCEPTION WHEN others THEN RETURN NEW; END"}) {
    EXPECT_THAT(ChecksOf(body), testing::SizeIs(std::string_view(body).ends_with("; RAISE") ? 1 : 0)) << body;
  }
}

struct RefusedRow {
  const char* columns;
  const char* condition;  // that is refused, as a user writes it
};

// For each, rows that pass are found, and none of them is refused.
class TriggersOnServer : public testing::TestWithParam<RefusedRow> {};

TEST_P(TriggersOnServer, AreSolvedFor) {
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  session->Execute(
      fmt::format("CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); CREATE TABLE t ({}); "
                  "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n"
                  "  IF {} THEN RAISE EXCEPTION 'refused'; END IF; RETURN NEW; END $$; "
                  "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION g()",
                  GetParam().columns, GetParam().condition));
  const Catalog catalog = CatalogReader(*session).Read();
  const TableModels models(catalog);
  const TableModel& table = *models.Find("public.t");
  ASSERT_NE(table.checks, nullptr);
  EXPECT_TRUE(table.checks->understood());
  Random random(1);
  for (int i = 0; i < 20; ++i) {
    const auto row = table.checks->Solve(table.check_columns, {}, random);
    ASSERT_TRUE(row.has_value());
    std::string names;
    std::string values;
    for (const auto& [name, cell] : *row) {
      names += (names.empty() ? "" : ", ") + name;
      values += (values.empty() ? "" : ", ") + (cell ? session->QuoteLiteral(*cell) : "NULL");
    }
    EXPECT_NO_THROW(session->Execute(fmt::format("INSERT INTO t ({}) VALUES ({})", names, values))) << values;
  }
  for (const CheckRow& row : table.checks->Counters(table.check_columns, {}, random)) {
    EXPECT_EQ(table.checks->Judge(table.check_columns, row), CheckVerdict::kFails);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Conditions, TriggersOnServer,
    testing::Values(RefusedRow{"a text", "NEW.a IS NOT NULL"}, RefusedRow{"a int", "new.a is null or new.a < 1000"},
                    RefusedRow{"a text", "NEW.a NOT IN ('draft', 'open') OR NEW.a IS NULL"},
                    RefusedRow{"a int", "NEW.a IS NULL OR NOT NEW.a BETWEEN 7 AND 9"},
                    RefusedRow{"a text, b int", "NEW.a IS DISTINCT FROM 'paid' OR coalesce(NEW.b, 0) <= 10"},
                    RefusedRow{"a mood", "NEW.a != 'happy' OR NEW.a IS NULL"},
                    RefusedRow{"a text", "(NEW.a LIKE 'x%') IS NOT TRUE"},
                    RefusedRow{"a text", "NEW.a IS NULL OR NEW.a !~ '^[A-Z]{3}-[0-9]{4}$'"},
                    RefusedRow{"a int, b int", "NEW.b IS NULL OR NEW.a IS NULL OR NEW.b<=NEW.a"},
                    RefusedRow{"a boolean", "NEW.a = false OR NEW.a IS NULL"},
                    RefusedRow{"a date", "NEW.a IS NULL OR NEW.a < '2031-05-01'::date"},
                    RefusedRow{"\"Odd Name\" varchar(20)",
                               "length(NEW.\"Odd Name\")<-1+6 OR NEW.\"Odd Name\" IS NULL"}));

}  // namespace
}  // namespace migproof
