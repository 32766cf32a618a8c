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

}  // namespace
}  // namespace migproof
