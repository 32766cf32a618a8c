#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/catalog/drift.h"
#include "harness/catalog/read.h"
#include "harness/catalog/statements_for_test.h"

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

// One part of the list; the parts run side by side.
class IncrementalReadAfterEach : public testing::TestWithParam<int> {};

constexpr int kParts = 2;

TEST_P(IncrementalReadAfterEach, StatementSeesWhatAFullReadSees) {
  GroundDatabase ground;
  Session& session = ground.session();
  CatalogReader reader(session);
  reader.Read();
  const std::vector<ListedStatement> statements = ListedStatements();
  for (std::size_t i = 0; i < statements.size(); ++i) {
    const ListedStatement& statement = statements[i];
    SCOPED_TRACE("statements.sql:" + std::to_string(statement.line) + ": " + statement.sql);
    if (static_cast<int>(i * kParts / statements.size()) == GetParam()) {
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

INSTANTIATE_TEST_SUITE_P(Parts, IncrementalReadAfterEach, testing::Range(0, kParts));

TEST(IncrementalRead, FollowsManyStatementsAndSavepointsInOneTransaction) {
  if (TestServer().major_version() != 15) GTEST_SKIP() << "other servers refuse some statements";
  GroundDatabase ground;
  Session& session = ground.session();
  CatalogReader reader(session);
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
    if (count % 5 != 0) continue;
    SCOPED_TRACE("statements.sql:" + std::to_string(statement.line));
    ExpectLikeFullRead(reader, session, "in the transaction");
  }
  session.Execute("ROLLBACK");
  ExpectLikeFullRead(reader, session, "after ROLLBACK");
}

}  // namespace
}  // namespace migproof
