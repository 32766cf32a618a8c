#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "harness/catalog/drift.h"
#include "harness/catalog/read.h"
#include "harness/catalog/statements_for_test.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "migrations/error.h"

namespace migproof {
namespace {

std::string LinesOf(const Catalog& was, const Catalog& is) {
  std::string lines;
  for (const Difference& difference : Compare(was, is, Equivalence::kPhysical).differences) {
    lines += "  " + difference.ToLine() + "\n";
  }
  return lines;
}

// Whether what `reader` remembers and reads again is what a reader without memory sees.
void ExpectLikeFullRead(CatalogReader& reader, Session& session, const std::string& when) {
  const Catalog& incremental = reader.Read();
  CatalogReader fresh(session);
  const Catalog& full = fresh.ReadAll();
  EXPECT_TRUE(incremental == full) << when << "\n" << LinesOf(full, incremental);
}

// One part of the list (the parts run side by side), without and with the server's counters.
class IncrementalReadAfterEach : public testing::TestWithParam<std::tuple<int, bool>> {
 protected:
  int part() const { return std::get<0>(GetParam()); }
  ReadOptions options() const { return {.alone = std::get<1>(GetParam())}; }
};

constexpr int kParts = 2;

TEST_P(IncrementalReadAfterEach, StatementSeesWhatAFullReadSees) {
  GroundDatabase ground;
  Session& session = ground.session();
  CatalogReader reader(session, options());
  reader.Read();
  const std::vector<ListedStatement> statements = ListedStatements();
  for (std::size_t i = 0; i < statements.size(); ++i) {
    const ListedStatement& statement = statements[i];
    SCOPED_TRACE("statements.sql:" + std::to_string(statement.line) + ": " + statement.sql);
    if (static_cast<int>(i * kParts / statements.size()) == part()) {
      const Catalog before = reader.Read();
      session.Execute("BEGIN");
      if (!ground.Apply(statement)) continue;
      ExpectLikeFullRead(reader, session, "in the transaction");
      session.Execute("ROLLBACK");
      EXPECT_TRUE(reader.Read() == before) << "after ROLLBACK\n" << LinesOf(before, reader.Read());
    }
    ground.Apply(statement);
    // A fault that this leaves out shows in the next statement's transaction.
    if (i % 8 == 0) ExpectLikeFullRead(reader, session, "after COMMIT");
  }
}

INSTANTIATE_TEST_SUITE_P(Parts, IncrementalReadAfterEach, testing::Combine(testing::Range(0, kParts), testing::Bool()));

class IncrementalRead : public testing::TestWithParam<bool> {
 protected:
  ReadOptions options() const { return {.alone = GetParam()}; }
};

TEST_P(IncrementalRead, FollowsManyStatementsAndSavepointsInOneTransaction) {
  if (TestServer().major_version() != 15) GTEST_SKIP() << "other servers refuse some statements";
  GroundDatabase ground;
  Session& session = ground.session();
  CatalogReader reader(session, options());
  reader.Read();
  session.Execute("BEGIN");
  int count = 0;
  for (const ListedStatement& statement : ListedStatements()) {
    if (++count % 3 == 0) {
      session.Execute("SAVEPOINT s");
      session.Execute(ground.Text(statement));
      reader.Read();
      session.Execute("ROLLBACK TO SAVEPOINT s");
      session.Execute("RELEASE SAVEPOINT s");
    }
    session.Execute(ground.Text(statement));
    if (count % 4 == 0) reader.Read();
    if (count % 5 != 0) continue;
    SCOPED_TRACE("statements.sql:" + std::to_string(statement.line));
    ExpectLikeFullRead(reader, session, "in the transaction");
  }
  session.Execute("ROLLBACK");
  ExpectLikeFullRead(reader, session, "after ROLLBACK");
}

// The server makes names in a query's text unambiguous: a column that comes to one table, and no other change, changes
// the texts that name another.
TEST_P(IncrementalRead, SeesTextsThatAColumnOfAnotherTableChanges) {
  if (TestServer().major_version() < 14) GTEST_SKIP() << "functions in standard SQL came with 14";
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  session->Execute(
      "CREATE TABLE a (x int); CREATE TABLE b (y int); CREATE TABLE c (x int, k int); CREATE TABLE p (k int);"
      "CREATE VIEW v AS SELECT c.k FROM (a CROSS JOIN b) JOIN c USING (x);"
      "CREATE POLICY o ON p USING (EXISTS (SELECT c.k FROM (a CROSS JOIN b) JOIN c USING (x)));"
      "CREATE FUNCTION f() RETURNS bigint BEGIN ATOMIC SELECT count(c.k) FROM (a CROSS JOIN b) JOIN c USING (x); END;"
      "ALTER TABLE b ADD COLUMN z int");
  CatalogReader reader(*session, options());
  const auto view = [&] { return reader.Read().Find("view", "public.v")->attributes.at("definition"); };
  view();
  session->Execute("ALTER TABLE b ADD COLUMN w int");  // the columns of `b` are known from here
  const std::string before = view();
  session->Execute("ALTER TABLE b ADD COLUMN x int");
  EXPECT_NE(view(), before);
  ExpectLikeFullRead(reader, *session, "with a column of that name");
  session->Execute("ALTER TABLE b DROP COLUMN x");
  EXPECT_EQ(view(), before);
  ExpectLikeFullRead(reader, *session, "without it");
}

// Another look at a table whose columns are known.
TEST_P(IncrementalRead, TellsColumnsThatCameFromColumnsThatChanged) {
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  session->Execute(
      "CREATE TABLE t (a int PRIMARY KEY, b int CHECK (b > 0)); CREATE INDEX t_b ON t (b) WHERE b <> 7;"
      "CREATE TABLE u (a int REFERENCES t (a)); CREATE VIEW v AS SELECT a, b FROM t; COMMENT ON INDEX t_b IS 'x'");
  CatalogReader reader(*session, options());
  reader.Read();
  for (const char* sql :
       {"ALTER TABLE t ADD COLUMN c int", "ALTER TABLE t ADD COLUMN d int UNIQUE, ADD COLUMN e int",
        "ALTER TABLE t DROP COLUMN c, ADD COLUMN c text", "ALTER TABLE t RENAME COLUMN b TO bb",
        "ALTER TABLE t DROP COLUMN c, ALTER COLUMN a SET STATISTICS 7", "ALTER INDEX t_b RENAME TO t_bb",
        "ALTER TABLE t RENAME COLUMN a TO aa", "COMMENT ON INDEX t_bb IS NULL", "DROP INDEX t_bb",
        "GRANT SELECT ON t TO PUBLIC", "REVOKE ALL ON t FROM PUBLIC", "GRANT SELECT (aa) ON t TO PUBLIC",
        "ALTER TABLE t DROP CONSTRAINT t_b_check", "CREATE UNIQUE INDEX t_e ON t ((e + 1)) WITH (fillfactor = 50)",
        "ALTER INDEX t_e SET (fillfactor = 60)", "ALTER INDEX t_e ALTER COLUMN 1 SET STATISTICS 5"}) {
    session->Execute(sql);
    ExpectLikeFullRead(reader, *session, sql);
  }
}

// What a transaction did is seen in it, is gone after it, and what comes next is told from it.
TEST_P(IncrementalRead, FollowsTransactionsThatAreUndone) {
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  session->Execute("CREATE TABLE t (a int); CREATE TABLE u (a int UNIQUE)");
  CatalogReader reader(*session, options());
  const auto names = [&] {
    const Catalog& catalog = reader.Read();
    std::string found;
    for (const char* kind : {"table", "column", "foreign key", "enum"}) {
      for (const std::string& name : catalog.Names(kind)) found += name + " ";
    }
    return found;
  };
  const std::string before = names();
  for (const char* end : {"ROLLBACK", "ROLLBACK TO s", "COMMIT", "SELECT 1/0"}) {
    SCOPED_TRACE(end);
    session->Execute("BEGIN; SAVEPOINT s; ALTER TABLE t ADD COLUMN b int");
    EXPECT_NE(names(), before);
    session->Execute("DROP TABLE t; CREATE TYPE e AS ENUM ('x')");
    EXPECT_NE(names(), before);
    if (end == std::string("COMMIT")) {  // a foreign key that only the COMMIT finds broken
      session->Execute(
          "CREATE TABLE t (a int REFERENCES u (a) DEFERRABLE INITIALLY DEFERRED); INSERT INTO t VALUES (1)");
      EXPECT_NE(names(), before);
    }
    try {
      session->Execute(end);
    } catch (const Error&) {  // the transaction is undone all the same
    }
    if (session->transaction_state() == TransactionState::kFailed) session->Execute("ROLLBACK");
    EXPECT_EQ(names(), before);
    if (session->transaction_state() == TransactionState::kOpen) session->Execute("ROLLBACK");
    session->Execute("BEGIN; ALTER TABLE u ADD COLUMN b int");
    EXPECT_NE(names(), before);
    session->Execute("ROLLBACK; BEGIN; ALTER TABLE t ADD COLUMN c int");
    EXPECT_NE(names(), before);
    session->Execute("ROLLBACK");
    EXPECT_EQ(names(), before);
  }
}

TEST_P(IncrementalRead, SurvivesCountersThatBeginAnew) {
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  CatalogReader reader(*session, options());
  reader.Read();
  session->Execute("CREATE TABLE t (a int)");
  reader.Read();
  session->Execute("SELECT pg_stat_reset()");
  session->Execute("ALTER TABLE t ADD COLUMN b int");
  EXPECT_NE(reader.Read().Find("column", "public.t.b"), nullptr);
  session->Execute("SET track_counts = off; ALTER TABLE t ADD COLUMN c int");
  EXPECT_NE(reader.Read().Find("column", "public.t.c"), nullptr);
}

INSTANTIATE_TEST_SUITE_P(Readers, IncrementalRead, testing::Bool());

// A database, and copies of it whose readers begin with what was seen of it.
class ReadOfACopy : public testing::Test {
 protected:
  void SetUp() override {
    if (TestServer().major_version() < 15) GTEST_SKIP() << "before 15 counters tell nothing";
    source_ = Database::Create(TestServer());
    const auto session = source_->Connect();
    session->Execute(
        "CREATE TYPE mood AS ENUM ('fine'); CREATE TABLE t (a int PRIMARY KEY, how mood); "
        "CREATE TABLE u (a int REFERENCES t (a)); CREATE VIEW v AS SELECT a FROM t; COMMENT ON TABLE t IS 'x'");
    CatalogReader reader(*session, kAlone);
    reader.Read();
    source_->Remember(reader.Memory());
    ASSERT_NE(source_->catalog_memory(), nullptr);
  }

  static void ExpectWhatIsThere(Session& session, CatalogReader& reader) {
    ExpectLikeFullRead(reader, session, "first");
    session.Execute("ALTER TABLE t ADD COLUMN later int");
    ExpectLikeFullRead(reader, session, "after a change");
    session.Execute("BEGIN; DROP VIEW v");
    ExpectLikeFullRead(reader, session, "in a transaction");
    session.Execute("ROLLBACK");
    ExpectLikeFullRead(reader, session, "after it");
  }

  static inline const ReadOptions kAlone = {.alone = true};
  std::unique_ptr<Database> source_;
};

TEST_F(ReadOfACopy, FindsNothingToReadAgainWhereNothingIsOtherwise) {
  const auto copy = Database::Clone(TestServer(), *source_);
  const auto memory = copy->catalog_memory();
  ASSERT_NE(memory, nullptr);
  const auto session = copy->Connect();
  CatalogReader reader(*session, kAlone, memory);
  const std::uint64_t version = reader.version();
  EXPECT_NE(reader.Read().Find("table", "public.t"), nullptr);
  EXPECT_EQ(reader.version(), version);
  ExpectWhatIsThere(*session, reader);
}

TEST_F(ReadOfACopy, SeesWhatWasDoneBeforeItsFirstLook) {
  for (const char* sql :
       {"ALTER TABLE t ADD COLUMN b int", "DROP TABLE u", "ALTER TABLE t RENAME TO s",
        "ALTER TYPE mood ADD VALUE 'bad'", "CREATE SCHEMA more", "COMMENT ON TABLE t IS 'y'",
        "BEGIN; CREATE TABLE w (a int)", "CREATE INDEX ON u (a)",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 7', current_database()); END $$",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = 8192', current_database()); END $$",
        "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO PUBLIC', current_database()); END $$",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "ALTER VIEW v RENAME COLUMN a TO b"}) {
    SCOPED_TRACE(sql);
    const auto copy = Database::Clone(TestServer(), *source_);
    const auto memory = copy->catalog_memory();
    const auto session = copy->Connect();
    CatalogReader reader(*session, kAlone, memory);
    session->Execute(sql);
    ExpectLikeFullRead(reader, *session, "first");
    if (session->transaction_state() == TransactionState::kOpen) session->Execute("ROLLBACK");
    ExpectLikeFullRead(reader, *session, "second");
  }
}

TEST_F(ReadOfACopy, SeesWhatASessionDidThatHasEnded) {
  const auto copy = Database::Clone(TestServer(), *source_);
  const auto memory = copy->catalog_memory();
  const auto session = copy->Connect();
  CatalogReader reader(*session, kAlone, memory);
  copy->Connect()->Execute("ALTER TABLE t ADD COLUMN b int");
  ExpectLikeFullRead(reader, *session, "first");
}

// What it did is not counted until it has ended, or some time has gone by.
TEST_F(ReadOfACopy, SeesWhatASessionDidThatGoesOn) {
  const auto copy = Database::Clone(TestServer(), *source_);
  const auto memory = copy->catalog_memory();
  const auto session = copy->Connect();
  CatalogReader reader(*session, kAlone, memory);
  const auto other = copy->Connect();
  other->Execute("CREATE TYPE e AS ENUM ('x')");
  other->Execute("ALTER TABLE t ADD COLUMN b int");
  ExpectLikeFullRead(reader, *session, "first");
}

TEST_F(ReadOfACopy, SeesRolesOfTheServer) {
  const auto copy = Database::Clone(TestServer(), *source_);
  const auto memory = copy->catalog_memory();
  Session server(TestServer().Conninfo("postgres"));
  server.Execute("CREATE ROLE made_since_the_copy");
  {
    const auto session = copy->Connect();
    CatalogReader reader(*session, kAlone, memory);
    EXPECT_NE(reader.Read().Find("role", "made_since_the_copy"), nullptr);
    server.Execute("COMMENT ON ROLE made_since_the_copy IS 'x'");
    CatalogReader another(*session, kAlone, memory);
    ExpectLikeFullRead(another, *session, "with a comment");
  }
  server.Execute("DROP ROLE made_since_the_copy");
}

TEST_F(ReadOfACopy, IsOneLikeAnyWhereSomebodyMayHaveWrittenToTheSource) {
  source_->Connect()->Execute("CREATE TABLE w (a int)");
  EXPECT_EQ(source_->catalog_memory(), nullptr);
  EXPECT_EQ(Database::Clone(TestServer(), *source_)->catalog_memory(), nullptr);
}

TEST_F(ReadOfACopy, IsNotBegunWithWhatATransactionSaw) {
  const auto session = source_->Connect();
  CatalogReader reader(*session, kAlone);
  session->Execute("BEGIN; CREATE TABLE w (a int)");
  reader.Read();
  EXPECT_EQ(reader.Memory(), nullptr);
}

// The same database: its counters tell of what was done before, too.
TEST_F(ReadOfACopy, OrOfTheSameDatabaseLaterIsRight) {
  const auto memory = source_->catalog_memory();
  const auto session = source_->Connect();
  CatalogReader reader(*session, kAlone, memory);
  session->Execute("DROP TABLE u");
  ExpectWhatIsThere(*session, reader);
}

}  // namespace
}  // namespace migproof
