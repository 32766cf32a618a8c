#include "harness/catalog/server_names.h"

#include <gtest/gtest.h>

#include "harness/catalog/drift.h"
#include "harness/catalog/read.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"

namespace migproof {
namespace {

Catalog After(const std::string& sql) {
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  session->Execute(sql);
  return CatalogReader(*session).ReadAll();
}

std::vector<std::string> NamedLines(const Catalog& was, const Catalog& is) {
  std::vector<std::string> lines;
  for (const Difference& difference : Compare(was, is).Findings()) lines.push_back(difference.ToLine());
  return lines;
}

constexpr const char* kTable = "CREATE TABLE t (a int, b int, c int);";

TEST(ServerNames, OfConstraintsAndIndexesCompareByWhatTheyDefine) {
  const std::string first =
      "ALTER TABLE t ADD CHECK (a < b); ALTER TABLE t ADD UNIQUE (a); CREATE INDEX ON t ((a + b));";
  const std::string second =
      "ALTER TABLE t ADD CHECK (b < c); ALTER TABLE t ADD UNIQUE (a) DEFERRABLE; "
      "CREATE INDEX ON t ((b + c));";
  const Catalog one = After(kTable + first + second);
  const Catalog other = After(kTable + second + first);
  EXPECT_FALSE(NamedLines(one, other).empty());
  EXPECT_EQ(NamedLines(WithLevelNames(one), WithLevelNames(other)), std::vector<std::string>());
}

TEST(ServerNames, OfSequencesAreReplacedWhereverTheyAreSpokenOf) {
  const Catalog one = After("CREATE TABLE t_a (id serial); CREATE TABLE t (a_id serial);");
  const Catalog other = After("CREATE TABLE t (a_id serial); CREATE TABLE t_a (id serial);");
  EXPECT_FALSE(NamedLines(one, other).empty());
  EXPECT_EQ(NamedLines(WithLevelNames(one), WithLevelNames(other)), std::vector<std::string>());
}

TEST(ServerNames, HideNoOtherDefinition) {
  const Catalog one = After(kTable + std::string("ALTER TABLE t ADD CHECK (a < b); ALTER TABLE t ADD CHECK (b < c);"));
  const Catalog other =
      After(kTable + std::string("ALTER TABLE t ADD CHECK (a < b); ALTER TABLE t ADD CHECK (b < a);"));
  EXPECT_EQ(NamedLines(WithLevelNames(one), WithLevelNames(other)).size(), 1u);
}

TEST(ServerNames, ThatAUserChoseStay) {
  const Catalog one = After(kTable + std::string("ALTER TABLE t ADD CONSTRAINT low CHECK (a < b);"));
  const Catalog other = After(kTable + std::string("ALTER TABLE t ADD CONSTRAINT below CHECK (a < b);"));
  EXPECT_EQ(NamedLines(WithLevelNames(one), WithLevelNames(other)).size(), 2u);
}

}  // namespace
}  // namespace migproof
