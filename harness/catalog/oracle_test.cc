// Holds the catalog against an oracle that others wrote: what pg_dump -s prints.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <map>

#include "harness/catalog/drift.h"
#include "harness/catalog/read.h"
#include "harness/catalog/statements_for_test.h"

namespace migproof {
namespace {

using Effect = ListedStatement::Expected;

std::string FindPgDump(int major_version) {
  const std::string path = "/usr/lib/postgresql/" + std::to_string(major_version) + "/bin/pg_dump";
  return std::filesystem::exists(path) ? path : "";
}

// Without the key that makes every dump another (\restrict).
std::string Dump(const std::string& pg_dump, const std::string& conninfo) {
  const std::string command = pg_dump + " -s -d \"" + conninfo + "\"";
  FILE* pipe = popen(command.c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  std::string text;
  char buffer[1 << 16];
  while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) {
    const std::string_view line(buffer);
    if (!line.starts_with("\\restrict") && !line.starts_with("\\unrestrict")) text += line;
  }
  EXPECT_EQ(pclose(pipe), 0) << command;
  return text;
}

std::string FirstDifference(const std::string& was, const std::string& is) {
  std::istringstream was_stream(was);
  std::istringstream is_stream(is);
  std::string was_line;
  std::string is_line;
  while (std::getline(was_stream, was_line) && std::getline(is_stream, is_line)) {
    if (was_line != is_line) return fmt::format("dump: {}\n   -> {}", was_line, is_line);
  }
  return "";
}

bool DumpMayChange(Effect expected) { return expected == Effect::kBoth || expected == Effect::kDumpOnly; }

bool CatalogMayChange(Effect expected) { return expected == Effect::kBoth || expected == Effect::kCatalogOnly; }

// One part of the list; the parts run side by side.
class PgDumpOracle : public testing::TestWithParam<int> {};

constexpr int kOracleParts = 4;

void ExpectSameVerdict(const ListedStatement& statement, const Catalog& was, const Catalog& is,
                       const std::string& was_dump, const std::string& is_dump) {
  EXPECT_EQ(is_dump != was_dump, DumpMayChange(statement.expected)) << FirstDifference(was_dump, is_dump);
  EXPECT_EQ(is != was, CatalogMayChange(statement.expected));
  if (is == was) return;
  // What changed has a line, and going back has one too.
  EXPECT_FALSE(Compare(was, is, Equivalence::kPhysical).differences.empty());
  EXPECT_FALSE(Compare(is, was, Equivalence::kPhysical).differences.empty());
}

TEST_P(PgDumpOracle, ChangesWhereTheCatalogDoes) {
  const std::string pg_dump = FindPgDump(TestServer().major_version());
  if (pg_dump.empty()) GTEST_SKIP() << "no pg_dump of the server's version";
  GroundDatabase ground;
  CatalogReader reader(ground.session());
  const std::string conninfo = ground.database().Conninfo();
  const std::vector<ListedStatement> statements = ListedStatements();
  const std::size_t begin = statements.size() * static_cast<std::size_t>(GetParam()) / kOracleParts;
  const std::size_t end = statements.size() * static_cast<std::size_t>(GetParam() + 1) / kOracleParts;
  for (std::size_t i = 0; i < begin; ++i) ground.session().Execute(ground.Text(statements[i]));
  Catalog catalog = reader.Read();
  std::string dump = Dump(pg_dump, conninfo);
  for (std::size_t i = begin; i < end; ++i) {
    SCOPED_TRACE("statements.sql:" + std::to_string(statements[i].line) + ": " + statements[i].sql);
    ground.session().Execute(ground.Text(statements[i]));
    const Catalog& now = reader.Read();
    std::string dump_now = Dump(pg_dump, conninfo);
    ExpectSameVerdict(statements[i], catalog, now, dump, dump_now);
    catalog = now;
    dump = std::move(dump_now);
  }
}

INSTANTIATE_TEST_SUITE_P(Parts, PgDumpOracle, testing::Range(0, kOracleParts));

TEST(PgDumpOracleList, IsAskedAboutEveryKindThreeTimes) {
  std::map<std::string, int> counts;
  for (const ListedStatement& statement : ListedStatements()) ++counts[statement.kind];
  for (const std::string& kind : CatalogKinds()) EXPECT_GE(counts[kind], 3) << kind;
  EXPECT_GE(ListedStatements().size(), 300u);
}

}  // namespace
}  // namespace migproof
