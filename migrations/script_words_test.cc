#include <gtest/gtest.h>

#include "migrations/script.h"

namespace migproof {
namespace {

TEST(ScriptWords, GivesTheLeadingWords) {
  EXPECT_EQ(LeadingWords("/* c */ create -- x\n Unique\tindex concurrently i ON t", 4),
            "CREATE UNIQUE INDEX CONCURRENTLY");
  EXPECT_EQ(LeadingWords("COMMIT", 3), "COMMIT");
  EXPECT_EQ(LeadingWords("DROP TABLE \"a\" b", 4), "DROP TABLE");
  EXPECT_EQ(LeadingWords("ALTER TABLE a.b ADD", 9), "ALTER TABLE A");
  EXPECT_EQ(LeadingWords("(SELECT 1)", 1), "");
  EXPECT_EQ(LeadingWords("", 3), "");
  EXPECT_EQ(LeadingWords("BEGIN /* open", 3), "BEGIN");
  EXPECT_EQ(LeadingWords("SELECT", 0), "");
  EXPECT_EQ(LeadingWords("e'x' begin", 2), "");
}

TEST(ScriptWords, GivesTheSkeleton) {
  EXPECT_EQ(Skeleton("select  a.b,/* c */ \"C d\" ,'x', E'\\'' , $$y$$ from t -- z"),
            "SELECT A . B , \"C d\" , '' , '' , '' FROM T");
  EXPECT_EQ(Skeleton("create index concurrently on t(lower(a))where b>=1.5e3"),
            "CREATE INDEX CONCURRENTLY ON T ( LOWER ( A ) ) WHERE B >= 1.5e3");
  EXPECT_EQ(Skeleton("SELECT a::text,-1, $1[2]"), "SELECT A :: TEXT , - 1 , $1 [ 2 ]");
  EXPECT_EQ(Skeleton("SELECT 'it''s', \"a\"\"b\", U&\"c\", u&'d'"), "SELECT '' , \"a\"\"b\" , U&\"c\" , ''");
  EXPECT_EQ(Skeleton("/* only */ -- comments"), "");
  EXPECT_EQ(Skeleton("SELECT 1 /* open"), "SELECT 1");
  EXPECT_EQ(Skeleton("SELECT 'open"), "SELECT ''");
}

TEST(ScriptWords, TellsWhatMovesTransactionBoundaries) {
  for (const char* statement :
       {"BEGIN", "begin work isolation level serializable", "START TRANSACTION READ ONLY", "COMMIT", "commit and chain",
        "/* c */ END", "end transaction", "ROLLBACK", "rollback work", "ROLLBACK AND NO CHAIN", "abort",
        "PREPARE TRANSACTION 'x'", "prepare transaction $$x$$", "COMMIT WORK"}) {
    EXPECT_TRUE(ControlsTransaction(statement)) << statement;
  }
  for (const char* statement : {"SAVEPOINT a",
                                "RELEASE a",
                                "RELEASE SAVEPOINT a",
                                "ROLLBACK TO a",
                                "rollback to savepoint a",
                                "ROLLBACK WORK TO a",
                                "ROLLBACK TRANSACTION TO SAVEPOINT a",
                                "COMMIT PREPARED 'x'",
                                "ROLLBACK PREPARED 'x'",
                                "SET TRANSACTION READ ONLY",
                                "PREPARE transaction AS SELECT 1",
                                "PREPARE transaction (int) AS SELECT $1",
                                "PREPARE p AS SELECT 'x'",
                                "SELECT 1 AS end",
                                "START_TRANSACTION",
                                "\"begin\"",
                                "DO $$BEGIN COMMIT; END$$",
                                "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END",
                                "",
                                "beginning",
                                "'COMMIT'",
                                "ABORTED"}) {
    EXPECT_FALSE(ControlsTransaction(statement)) << statement;
  }
}

TEST(ScriptWords, TellsWhatTheServerRefusesInATransaction) {
  for (const char* statement :
       {"CREATE INDEX CONCURRENTLY i ON t (a)",
        "create unique index /* c */ concurrently if not exists i on t (a)",
        "CREATE INDEX CONCURRENTLY ON t (a)",
        "DROP INDEX CONCURRENTLY IF EXISTS i",
        "REINDEX TABLE CONCURRENTLY t",
        "REINDEX (VERBOSE) INDEX CONCURRENTLY i",
        "REINDEX (CONCURRENTLY, VERBOSE) TABLE t",
        "REINDEX (CONCURRENTLY TRUE) TABLE t",
        "REINDEX DATABASE d",
        "REINDEX (VERBOSE) SYSTEM d",
        "reindex schema s",
        "VACUUM",
        "VACUUM (ANALYZE) t",
        "CREATE DATABASE d",
        "DROP DATABASE IF EXISTS d",
        "CREATE TABLESPACE s LOCATION '/x'",
        "DROP TABLESPACE s",
        "ALTER SYSTEM SET work_mem = '1MB'",
        "ALTER DATABASE d SET TABLESPACE s",
        "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
        "ALTER TABLE IF EXISTS ONLY t DETACH PARTITION p CONCURRENTLY",
        "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p",
        "DROP SUBSCRIPTION s",
        "CREATE SUBSCRIPTION s CONNECTION 'connect = false' PUBLICATION p WITH (create_slot = true)",
        "ALTER SUBSCRIPTION s REFRESH PUBLICATION",
        "ALTER SUBSCRIPTION s SET PUBLICATION p",
        "ALTER SUBSCRIPTION s ADD PUBLICATION p WITH (refresh)",
        "CLUSTER",
        "CLUSTER VERBOSE",
        "CLUSTER (VERBOSE)",
        "DISCARD ALL",
        "COMMIT PREPARED 'x'",
        "ROLLBACK PREPARED 'x'"}) {
    EXPECT_TRUE(RefusesTransaction(statement)) << statement;
  }
  for (const char* statement : {"CREATE INDEX i ON t (a)",
                                "CREATE INDEX \"concurrently\" ON t (a)",
                                "DROP INDEX i",
                                "CREATE INDEX i ON t (a) WHERE b = 'CONCURRENTLY'",
                                "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
                                "REINDEX TABLE t",
                                "REINDEX TABLE system",
                                "REINDEX (CONCURRENTLY FALSE) TABLE t",
                                "REINDEX (CONCURRENTLY off) INDEX i",
                                "ANALYZE t",
                                "ALTER TABLE t DETACH PARTITION p",
                                "ALTER TABLE t DETACH PARTITION p FINALIZE",
                                "ALTER TABLE t ADD COLUMN concurrently_detached int",
                                "ALTER DATABASE d SET work_mem = '1MB'",
                                "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (connect = false)",
                                "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (enabled = false, create_slot "
                                "= off, slot_name = NONE)",
                                "ALTER SUBSCRIPTION s SET PUBLICATION p WITH (refresh = false)",
                                "ALTER SUBSCRIPTION s DISABLE",
                                "CLUSTER t USING i",
                                "CLUSTER (VERBOSE) t",
                                "CLUSTER VERBOSE t",
                                "DISCARD TEMP",
                                "ALTER TYPE e ADD VALUE 'x'",
                                "COMMENT ON TABLE t IS 'VACUUM'",
                                "DO $$BEGIN EXECUTE 'VACUUM'; END$$",
                                "",
                                "SELECT 1",
                                "COMMIT",
                                "CREATE TABLE t (a int)",
                                "DROP TABLE t",
                                "ALTER TABLE t RENAME TO vacuum"}) {
    EXPECT_FALSE(RefusesTransaction(statement)) << statement;
  }
}

}  // namespace
}  // namespace migproof
