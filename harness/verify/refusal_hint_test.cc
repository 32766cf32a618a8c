#include "harness/verify/refusal_hint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/catalog/read.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "migrations/session.h"

namespace migproof {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

// The hint about the refusal of the last of some statements.
std::string HintFor(const std::string& before, const std::string& refused) {
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  session->Execute(before);
  const Catalog catalog = CatalogReader(*session).Read();
  const Script script = Script::Parse(refused, {"r.sql", 1});
  try {
    for (const Statement& statement : script.statements()) session->Execute(script, statement);
  } catch (const Error& refusal) {
    return RefusalHint(refusal, catalog);
  }
  return "(nothing was refused)";
}

TEST(RefusalHint, GivesTheDeclarationToPaste) {
  EXPECT_THAT(HintFor("CREATE TABLE t (a int); INSERT INTO t VALUES (NULL)", "ALTER TABLE t ALTER a SET NOT NULL"),
              EndsWith("declare it: -- migproof: assumes t: a IS NOT NULL \"why\""));
  EXPECT_THAT(
      HintFor("CREATE SCHEMA \"S\"; CREATE TABLE \"S\".\"T t\" (\"A\" int); INSERT INTO \"S\".\"T t\" VALUES (NULL)",
              "ALTER TABLE \"S\".\"T t\" ALTER \"A\" SET NOT NULL"),
      EndsWith("assumes \"S\".\"T t\": \"A\" IS NOT NULL \"why\""));
  EXPECT_THAT(HintFor("CREATE TABLE t (a int); INSERT INTO t VALUES (-1)",
                      "ALTER TABLE t ADD CONSTRAINT o CHECK (a > -9), ADD CONSTRAINT c CHECK (a > 0 AND (a < 9))"),
              EndsWith("assumes t: a > 0 AND (a < 9) \"why\""));
  EXPECT_THAT(HintFor("CREATE TABLE t (a text); INSERT INTO t VALUES ('abc')", "ALTER TABLE t ALTER a TYPE varchar(2)"),
              EndsWith("assumes t: length(a) <= 2 \"why\""));
  EXPECT_THAT(HintFor("CREATE TABLE t (a text); INSERT INTO t VALUES ('abc')",
                      "ALTER TABLE public.t ALTER COLUMN a SET DATA TYPE character varying(2)"),
              EndsWith("assumes t: length(a) <= 2 \"why\""));
  EXPECT_THAT(HintFor("CREATE TABLE t (a bigint); INSERT INTO t VALUES (3000000000)", "ALTER TABLE t ALTER a TYPE int"),
              EndsWith("assumes t: a BETWEEN -2147483648 AND 2147483647 \"why\""));
  EXPECT_THAT(
      HintFor("CREATE TABLE t (a numeric); INSERT INTO t VALUES (100)", "ALTER TABLE t ALTER a TYPE numeric(3, 1)"),
      EndsWith("assumes t: abs(round(a, 1)) < 10 ^ 2 \"why\""));
  EXPECT_THAT(
      HintFor("CREATE TABLE t (a text); INSERT INTO t VALUES ('x')", "ALTER TABLE t ALTER a TYPE int USING a::int"),
      EndsWith("assumes t: a ~ '^[-+]?[0-9]{1,9}$' \"why\""));
}

TEST(RefusalHint, SaysWhatElseToDoWhereNoConditionOfOneRowHelps) {
  EXPECT_THAT(HintFor("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)", "CREATE UNIQUE INDEX ON t (a)"),
              HasSubstr("merge or tell them apart"));
  EXPECT_THAT(HintFor("CREATE TABLE p (a int PRIMARY KEY); CREATE TABLE t (a int); INSERT INTO t VALUES (1)",
                      "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p"),
              HasSubstr("NOT VALID"));
  EXPECT_THAT(HintFor("CREATE TABLE t (a int4range); INSERT INTO t VALUES ('[1,2)'), ('[1,2)')",
                      "ALTER TABLE t ADD EXCLUDE USING gist (a WITH &&)"),
              HasSubstr("conflict with each other"));
  EXPECT_THAT(HintFor("CREATE TABLE t (a int); INSERT INTO t VALUES (1)", "ALTER TABLE t ADD b int NOT NULL"),
              HasSubstr("t.b: give it a DEFAULT"));
  EXPECT_THAT(HintFor("CREATE TABLE t (a int) PARTITION BY LIST (a); CREATE TABLE d PARTITION OF t DEFAULT; "
                      "INSERT INTO t VALUES (1)",
                      "CREATE TABLE n PARTITION OF t FOR VALUES IN (1)"),
              HasSubstr("the default partition holds rows"));
  EXPECT_THAT(HintFor("CREATE TABLE t (a int); INSERT INTO t VALUES (0)", "UPDATE t SET a = 1 / a"),
              HasSubstr("let the statement cope"));
}

TEST(AbsenceHint, SaysWhereToMakeWhatIsTakenForGranted) {
  const auto hint = [](const std::string& statement) {
    const auto database = Database::Create(TestServer());
    try {
      database->Connect()->Execute(statement);
    } catch (const Error& refusal) {
      return AbsenceHint(refusal);
    }
    return std::string("(nothing was refused)");
  };
  EXPECT_THAT(hint("CREATE TABLE elsewhere.t (a int)"), HasSubstr("--before FILE"));
  EXPECT_THAT(hint("CREATE TABLE t (a no_such_type)"), HasSubstr("--before FILE"));
  EXPECT_THAT(hint("GRANT SELECT ON pg_class TO no_such_role"), HasSubstr("--before FILE"));
  EXPECT_EQ(hint("DROP TABLE t"), "");
  EXPECT_EQ(AbsenceHint(Error(ErrorKind::kInternal, "no server spoke")), "");
}

TEST(RefusalHint, HasNoneForWhatRowsDoNotCause) {
  EXPECT_EQ(HintFor("SELECT 1", "DROP TABLE t"), "");
  EXPECT_EQ(RefusalHint(Error(ErrorKind::kInternal, "no server spoke"), {}), "");
}

}  // namespace
}  // namespace migproof
