#include "harness/catalog/queries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "harness/catalog/catalog.h"
#include "harness/catalog/catalog_tables.h"
#include "migrations/error.h"

namespace migproof {
namespace {

using testing::ElementsAre;

constexpr std::string_view kText =
    "-- Things.\n-- catalogs: *pg_class pg_index\n-- relkinds: r p\n"
    "SELECT a,\n  old, -- until 14\n  new, -- since 15 until 16\n  secret, -- superuser since 16\n"
    "  plain -- plain\n  -- A remark.\n FROM t WHERE o = ANY ($1)\n";

std::string SqlFor(int major_version, bool superuser) {
  return ParseCatalogQuery("some_thing.part.sql", kText, major_version, superuser).sql;
}

TEST(CatalogQuery, ReadsItsHeader) {
  const CatalogQuery query = ParseCatalogQuery("some_thing.part.sql", kText, 15, true);
  EXPECT_EQ(query.name, "some_thing.part");
  EXPECT_EQ(query.kind, "some thing");
  EXPECT_THAT(query.catalogs, ElementsAre("pg_class", "pg_index"));
  EXPECT_THAT(query.needs, ElementsAre("pg_class"));
  EXPECT_EQ(query.relkinds, "rp");
  EXPECT_TRUE(query.by_relation);
}

TEST(CatalogQuery, NeedsRowsWithAMark) {
  const CatalogQuery query =
      ParseCatalogQuery("x.sql", "-- catalogs: *pg_class:acl index:pg_class\nSELECT $1\n", 15, true);
  EXPECT_THAT(query.catalogs, ElementsAre("pg_class", "index:pg_class"));
  EXPECT_THAT(query.needs, ElementsAre("pg_class:acl"));
}

TEST(CatalogQuery, KeepsTheLinesOfTheServer) {
  EXPECT_EQ(SqlFor(14, true), "SELECT a,\n  old, \n FROM t WHERE o = ANY ($1)\n");
  EXPECT_EQ(SqlFor(15, false), "SELECT a,\n  new, \n  plain \n FROM t WHERE o = ANY ($1)\n");
  EXPECT_EQ(SqlFor(16, true), "SELECT a,\n  new, \n  secret, \n FROM t WHERE o = ANY ($1)\n");
  EXPECT_EQ(SqlFor(17, false), "SELECT a,\n  plain \n FROM t WHERE o = ANY ($1)\n");
}

TEST(CatalogQuery, RefusesWhatItCannotRead) {
  EXPECT_THROW(ParseCatalogQuery("x.sql", "SELECT 1\n", 15, true), Error);
  EXPECT_THROW(ParseCatalogQuery("x.sql", "-- catalogs: a\nSELECT 1 -- since\n", 15, true), Error);
  EXPECT_THROW(ParseCatalogQuery("x.sql", "-- catalogs: a\nSELECT 1 -- since x\n", 15, true), Error);
  EXPECT_THROW(ParseCatalogQuery("x.sql", "-- catalogs: a\nSELECT 1 -- superuser always\n", 15, true), Error);
}

// A query that names a catalog nobody watches would be read again for ever, or not at all.
TEST(CatalogQueries, NameOnlyCatalogsThatAreWatched) {
  for (const int major_version : {13, 14, 15, 16, 17, 18}) {
    std::set<std::string> watched;
    for (const CatalogTable& table : CatalogTables(18, true)) {
      watched.insert(table.name);
      if (!table.relation.empty()) watched.insert("index:" + table.name);
      for (const auto& [mark, unused] : table.marks) watched.insert(table.name + ":" + mark);
    }
    for (const CatalogQuery& query : CatalogQueries(major_version, true)) {
      for (const std::string& catalog : query.catalogs) EXPECT_TRUE(watched.contains(catalog)) << query.name << catalog;
      for (const std::string& need : query.needs) EXPECT_TRUE(watched.contains(need)) << query.name << need;
    }
  }
}

TEST(CatalogKinds, AreTheFilesInTheFolder) {
  std::set<std::string> kinds;
  for (const auto& entry : std::filesystem::directory_iterator(MIGPROOF_SOURCE_DIR "/harness/catalog/queries")) {
    std::string kind = entry.path().filename().string();
    kind = kind.substr(0, kind.find('.'));
    std::replace(kind.begin(), kind.end(), '_', ' ');
    kinds.insert(kind);
  }
  EXPECT_EQ(CatalogKinds(), std::vector<std::string>(kinds.begin(), kinds.end()));
}

}  // namespace
}  // namespace migproof
