#include "harness/verify/subject.h"

#include <gtest/gtest.h>

namespace migproof {
namespace {

TEST(TouchesCluster, SeesWhatAllDatabasesShare) {
  for (const char* statement :
       {"CREATE ROLE reader", "alter user reader set search_path = x", "DROP ROLE IF EXISTS reader",
        "GRANT reader TO writer", "REVOKE reader FROM writer", "CREATE TABLESPACE fast LOCATION '/x'",
        "ALTER SYSTEM SET work_mem = '1MB'", "DO $$ BEGIN CREATE ROLE reader; END $$",
        "DO $$ BEGIN IF true THEN\n  create  role reader; END IF; END $$",
        "DO $$ BEGIN EXECUTE 'CREATE ROLE ' || quote_ident('x'); END $$"}) {
    EXPECT_TRUE(TouchesCluster(statement)) << statement;
  }
}

TEST(TouchesCluster, LeavesTheRestAlone) {
  for (const char* statement :
       {"CREATE TABLE role (id int)", "GRANT SELECT ON t TO reader", "REVOKE ALL ON SCHEMA s FROM PUBLIC",
        "CREATE USER MAPPING FOR reader SERVER s", "ALTER TABLE t OWNER TO reader", "SELECT 'create role x'",
        "CREATE FUNCTION f() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'cannot create user with that name'; END $$ "
        "LANGUAGE plpgsql"}) {
    EXPECT_FALSE(TouchesCluster(statement)) << statement;
  }
}

}  // namespace
}  // namespace migproof
