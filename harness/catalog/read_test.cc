#include "harness/catalog/read.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/catalog/drift.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "migrations/error.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class CatalogRead : public testing::Test {
 protected:
  std::vector<std::string> Lines(const Catalog& was, const Catalog& is) {
    std::vector<std::string> lines;
    for (const Difference& difference : Compare(was, is).differences) lines.push_back(difference.ToLine());
    return lines;
  }

  std::unique_ptr<Database> database_ = Database::Create(TestServer());
  std::unique_ptr<Session> session_ = database_->Connect();
};

TEST_F(CatalogRead, LeavesOutTablesWithAllThatBelongsToThem) {
  CatalogReader reader(*session_,
                       {.leave_out_tables = {"public.ledger", "public.\"Odd \\ \"\"name\"", "public.absent"}});
  const Catalog before = reader.Read();
  session_->Execute(
      "CREATE TABLE ledger (id serial PRIMARY KEY, version text UNIQUE CHECK (version <> ''));"
      "CREATE INDEX ON ledger (version DESC); COMMENT ON TABLE ledger IS 'ours'; COMMENT ON COLUMN ledger.id IS 'ours';"
      "COMMENT ON CONSTRAINT ledger_pkey ON ledger IS 'ours'; GRANT SELECT ON ledger, ledger_id_seq TO PUBLIC;"
      "ALTER TABLE ledger ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON ledger USING (true);"
      "CREATE TABLE \"Odd \\ \"\"name\" (a int)");
  EXPECT_THAT(Lines(before, reader.Read()), IsEmpty());
  EXPECT_THAT(Lines(before, reader.ReadAll()), IsEmpty());
  EXPECT_THAT(ReadSequences(*session_, {.leave_out_tables = {"public.ledger"}}), IsEmpty());
}

TEST_F(CatalogRead, LeavesOutTemporaryAndExtensionObjects) {
  CatalogReader reader(*session_);
  const Catalog before = reader.Read();
  session_->Execute(
      "CREATE TEMP TABLE t (a serial); CREATE TEMP VIEW v AS SELECT 1; CREATE TEMP TABLE pg_class (a int)");
  session_->Execute("CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'");
  EXPECT_THAT(Lines(before, reader.Read()), IsEmpty());
  session_->Execute("CREATE EXTENSION hstore");
  EXPECT_THAT(Lines(before, reader.Read()), ElementsAre(testing::StartsWith("+ extension hstore: ")));
}

TEST_F(CatalogRead, TakesTheDefaultPrivilegesSpeltOutForNone) {
  session_->Execute("CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'");
  CatalogReader reader(*session_);
  const Catalog before = reader.Read();
  session_->Execute("GRANT ALL ON t TO CURRENT_USER; GRANT EXECUTE ON FUNCTION f() TO PUBLIC");
  EXPECT_THAT(Lines(before, reader.Read()), IsEmpty());
  session_->Execute("REVOKE EXECUTE ON FUNCTION f() FROM PUBLIC");
  EXPECT_THAT(Lines(before, reader.Read()), ElementsAre("+ privilege function public.f() to PUBLIC: none"));
}

TEST_F(CatalogRead, PutsSettingsBack) {
  session_->Execute("CREATE SCHEMA app; CREATE TABLE app.t (a date DEFAULT '2020-02-01')");
  session_->Execute("SET search_path = app; SET datestyle = 'German'; SET statement_timeout = '7min'; SET jit = on");
  const std::string settings =
      "SELECT current_setting('search_path') || current_setting('datestyle') || current_setting('statement_timeout') "
      "|| "
      "current_setting('jit') || current_setting('plan_cache_mode') || current_setting('enable_seqscan')";
  const std::string before(session_->Query(settings).Get(0, 0));
  CatalogReader reader(*session_);
  EXPECT_EQ(reader.Read().Attribute("column", "app.t.a", "default"), "'2020-02-01'::date");
  EXPECT_EQ(session_->transaction_state(), TransactionState::kIdle);
  EXPECT_EQ(session_->Query(settings).Get(0, 0), before);
  session_->Execute("BEGIN; SET LOCAL search_path = pg_catalog; SET datestyle = 'SQL, DMY'");
  const std::string inside(session_->Query(settings).Get(0, 0));
  EXPECT_EQ(reader.Read().Attribute("column", "app.t.a", "default"), "'2020-02-01'::date");
  EXPECT_EQ(session_->transaction_state(), TransactionState::kOpen);
  EXPECT_EQ(session_->Query(settings).Get(0, 0), inside);
  session_->Execute("ROLLBACK");
  EXPECT_EQ(session_->Query(settings).Get(0, 0), before);
}

TEST_F(CatalogRead, OutlivesDiscardAll) {
  CatalogReader reader(*session_);
  reader.Read();
  session_->Execute("DISCARD ALL");
  session_->Execute("CREATE TABLE t (a int)");
  EXPECT_NE(reader.Read().Find("table", "public.t"), nullptr);
  session_->Execute("BEGIN; CREATE TABLE u (a int); DEALLOCATE ALL");
  EXPECT_NE(reader.Read().Find("table", "public.u"), nullptr);
  EXPECT_EQ(session_->transaction_state(), TransactionState::kOpen);
  session_->Execute("ROLLBACK");
  EXPECT_EQ(reader.Read().Find("table", "public.u"), nullptr);
}

TEST_F(CatalogRead, SeesThroughRolesThatMayNotSee) {
  session_->Execute("CREATE ROLE catalog_nobody; CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t");
  CatalogReader reader(*session_);
  const Catalog before = reader.Read();
  session_->Execute("SET ROLE catalog_nobody");
  EXPECT_THAT(Lines(before, reader.ReadAll()), IsEmpty());
  EXPECT_EQ(session_->Query("SELECT current_user").Get(0, 0), "catalog_nobody");
  session_->Execute("RESET ROLE; DROP ROLE catalog_nobody");
}

TEST_F(CatalogRead, WorksForAnOrdinaryLogin) {
  session_->Execute("CREATE ROLE catalog_login LOGIN; CREATE TABLE t (a int); CREATE SCHEMA s");
  session_->Execute("SET SESSION AUTHORIZATION catalog_login");
  CatalogReader reader(*session_);
  const Catalog before = reader.Read();
  EXPECT_NE(before.Find("table", "public.t"), nullptr);
  session_->Execute("SET SESSION AUTHORIZATION DEFAULT; ALTER ROLE catalog_login CREATEDB");
  session_->Execute("SET SESSION AUTHORIZATION catalog_login");
  EXPECT_THAT(Lines(before, reader.Read()), ElementsAre("~ role catalog_login: powers was absent, is createdb"));
  session_->Execute("SET SESSION AUTHORIZATION DEFAULT; DROP ROLE catalog_login");
}

TEST_F(CatalogRead, SaysWhatTheServerRefuses) {
  CatalogReader reader(*session_);
  session_->Execute("BEGIN");
  EXPECT_THROW(session_->Execute("SELECT 1/0"), Error);
  EXPECT_THROW(reader.Read(), Error);
  session_->Execute("ROLLBACK");
  EXPECT_NO_THROW(reader.Read());
}

TEST_F(CatalogRead, SeesPlacesThatAreUsedAgain) {
  session_->Execute("CREATE TABLE t (a int DEFAULT 0)");
  CatalogReader reader(*session_);
  reader.Read();
  for (int i = 1; i < 20; ++i) {
    session_->Execute("ALTER TABLE t ALTER a SET DEFAULT " + std::to_string(i));
    if (i % 3 == 0) session_->Execute("VACUUM pg_attrdef");
    if (i % 7 == 0) session_->Execute("VACUUM FULL pg_attrdef");
    EXPECT_EQ(reader.Read().Attribute("column", "public.t.a", "default"), std::to_string(i));
  }
}

// Within one transaction row versions differ by their place alone.
TEST_F(CatalogRead, SeesEachCommandOfATransaction) {
  session_->Execute(
      "BEGIN; CREATE TABLE t (a int DEFAULT 0); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 0'");
  CatalogReader reader(*session_);
  for (int i = 1; i < 20; ++i) {
    const std::string number = std::to_string(i);
    reader.Read();
    session_->Execute("ALTER TABLE t ALTER a SET DEFAULT " + number);
    session_->Execute("CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT " + number + "'");
    EXPECT_EQ(reader.Read().Attribute("column", "public.t.a", "default"), number);
    EXPECT_EQ(reader.Read().Attribute("function", "public.f()", "body"), "SELECT " + number);
  }
  session_->Execute("ROLLBACK");
}

TEST_F(CatalogRead, FollowsWhatOtherSessionsDo) {
  CatalogReader reader(*session_);
  const Catalog before = reader.Read();
  const std::unique_ptr<Session> other = database_->Connect();
  other->Execute("CREATE TYPE mood AS ENUM ('a, b', 'c')");
  EXPECT_THAT(Lines(before, reader.Read()), ElementsAre("+ enum public.mood: 'a, b', c"));
}

TEST_F(CatalogRead, LeavesTheDatabasesCommentToItsToken) {
  CatalogReader reader(*session_);
  const Catalog before = reader.Read();
  session_->Execute("DO $$BEGIN EXECUTE format('COMMENT ON DATABASE %I IS ''x''', current_database()); END$$");
  EXPECT_THAT(Lines(before, reader.ReadAll()), IsEmpty());
}

TEST_F(CatalogRead, ReadsWhereSequencesStand) {
  session_->Execute("CREATE SEQUENCE a; CREATE SEQUENCE \"B\" START 5; CREATE TEMP SEQUENCE c; SELECT nextval('a')");
  const std::map<std::string, SequenceValue> values = ReadSequences(*session_);
  EXPECT_THAT(values, ElementsAre(testing::Pair("public.\"B\"", SequenceValue{5, false}),
                                  testing::Pair("public.a", SequenceValue{1, true})));
}

}  // namespace
}  // namespace migproof
