#include "harness/postgres/database.h"

#include <gtest/gtest.h>

#include "harness/postgres/test_server.h"

namespace migproof {
namespace {

bool Exists(const std::string& database) {
  return !TestServer().Admin().Query("SELECT FROM pg_database WHERE datname = $1", {database}).empty();
}

TEST(Database, IsEmptyAndCarriesPrefixAndToken) {
  const auto database = Database::Create(TestServer());
  EXPECT_EQ(database->name(), TestServer().DatabasePrefix() + database->token());
  const auto session = database->Connect();
  EXPECT_EQ(session->database(), database->name());
  EXPECT_TRUE(session->Query("SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace").empty());
  database->CheckToken(*session);
}

TEST(Database, IsGoneWithItsObject) {
  std::string name;
  {
    const auto database = Database::Create(TestServer());
    name = database->name();
    database->Connect()->Execute("CREATE TABLE t (id int)");
    EXPECT_TRUE(Exists(name));
  }
  EXPECT_FALSE(Exists(name));
}

TEST(Database, CloneHoldsRowsAndHasATokenOfItsOwn) {
  const auto source = Database::Create(TestServer());
  source->Connect()->Execute("CREATE TABLE t AS SELECT 7 AS id");
  const auto clone = Database::Clone(TestServer(), *source);
  EXPECT_NE(clone->token(), source->token());
  const auto session = clone->Connect();
  EXPECT_EQ(session->Query("SELECT id FROM t").GetInt(0, 0), 7);
  clone->CheckToken(*session);
  EXPECT_THROW(source->CheckToken(*session), Error);
}

TEST(Database, CloneHasTheSettings) {
  const auto source = Database::Create(TestServer());
  auto admin = source->Connect();
  admin->Execute("ALTER DATABASE " + source->name() + " SET search_path = one, \"T wo\"; ALTER DATABASE " +
                 source->name() + " SET app.tenant = 'it''s'");
  admin->Execute("ALTER ROLE CURRENT_USER IN DATABASE " + source->name() + " SET work_mem = '7MB'");
  admin.reset();
  const auto clone = Database::Clone(TestServer(), *source);
  for (const Database* database : {source.get(), clone.get()}) {
    const auto session = database->Connect();
    EXPECT_EQ(session->Query("SELECT reset_val FROM pg_settings WHERE name = 'search_path'").Get(0, 0),
              "one, \"T wo\"");
    EXPECT_EQ(session->Query("SELECT current_setting('app.tenant')").Get(0, 0), "it's");
    EXPECT_EQ(session->Query("SELECT reset_val FROM pg_settings WHERE name = 'work_mem'").Get(0, 0), "7168");
  }
}

TEST(Database, TokenIsTheNameAndTheComment) {
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  session->Execute("COMMENT ON DATABASE " + database->name() + " IS 'migproof 0123456789abcdef'");
  EXPECT_THROW(database->CheckToken(*session), Error);
  session->Execute("COMMENT ON DATABASE " + database->name() + " IS NULL");
  EXPECT_THROW(database->CheckToken(*session), Error);
  Session elsewhere(TestServer().Conninfo("postgres"));
  try {
    database->CheckToken(elsewhere);
    FAIL() << "another database passed for ours";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kServer);
    EXPECT_NE(e.message().find("'postgres'"), std::string::npos) << e.message();
  }
}

TEST(Database, TokenCheckIsNotFooledByTheSearchPath) {
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  session->Execute(
      "CREATE SCHEMA decoy; CREATE TABLE decoy.pg_database (oid oid, datname name);"
      "CREATE TABLE decoy.pg_shdescription (objoid oid, classoid oid, description text);"
      "SET search_path = decoy, pg_catalog");
  database->CheckToken(*session);
}

TEST(Database, IsClonedThoughASessionWasOpenJustBefore) {
  const auto source = Database::Create(TestServer());
  source->Connect()->Execute("CREATE TABLE t (id int)");
  EXPECT_NO_THROW(Database::Clone(TestServer(), *source));
}

TEST(Database, IsDroppedThoughASessionIsStillOpen) {
  auto database = Database::Create(TestServer());
  const std::string name = database->name();
  const auto session = database->Connect();
  database.reset();
  EXPECT_FALSE(Exists(name));
}

}  // namespace
}  // namespace migproof
