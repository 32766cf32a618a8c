#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ci/expect_error.h"
#include "ci/temp_directory.h"
#include "migrations/format.h"
#include "migrations/history.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Format& Maragudk() { return Registry<Format>::Get("maragudk"); }

TEST(Maragudk, ReadsFilesInTheOrderOfTheirNames) {
  const TempDirectory directory;
  for (const char* name : {"2_b", "10-c", "2_a", "Z", "a"}) directory.Write(std::string(name) + ".up.sql", "SELECT 1;");
  directory.Write("2_b.down.sql", "SELECT 2;");
  directory.Write("2.1.up.sql", "ignored by the tool");
  directory.Write("3_c.sql", "ignored by the tool");
  const std::vector<Revision> revisions = Maragudk().Read(directory.path());
  std::vector<std::string> keys;
  for (const Revision& revision : revisions) keys.push_back(revision.ledger_key);
  EXPECT_THAT(keys, ElementsAre("10-c", "2_a", "2_b", "Z", "a"));
  EXPECT_EQ(revisions[0].title, "c");
  EXPECT_TRUE(revisions[2].downgrade);
  EXPECT_FALSE(revisions[1].downgrade);
}

TEST(Maragudk, ReadsNamesWithAnyCharacterForTheDots) {
  const TempDirectory directory;
  for (const char* name : {"1-a.up.sql", "2-b_up.sql", "2-b-down_sql", "3-c.up sql", "4-up.up.sql", "up.sql", "_up.sql",
                           "5-backup.sql", "6-d.up.sql.orig"}) {
    directory.Write(name, "SELECT 1;");
  }
  const std::vector<Revision> revisions = Maragudk().Read(directory.path());
  std::vector<std::string> keys;
  for (const Revision& revision : revisions) keys.push_back(revision.ledger_key);
  EXPECT_THAT(keys, ElementsAre("1-a", "2-b", "3-c", "4-up", "5-bac"));
  EXPECT_TRUE(revisions[1].downgrade);
}

TEST(Maragudk, RefusesTwoFilesOfOneVersion) {
  const TempDirectory directory;
  directory.Write("1-a.up.sql", "");
  directory.Write("1-a_up.sql", "");
  EXPECT_THAT(RenderedErrorOf([&] { Maragudk().Read(directory.path()); }),
              HasSubstr("1-a_up.sql' have the same version"));
}

TEST(Maragudk, RefusesWhatTheToolWouldMisread) {
  const TempDirectory down;
  down.Write("1-a.down.sql", "");
  EXPECT_THAT(RenderedErrorOf([&] { Maragudk().Read(down.path()); }),
              HasSubstr("1-a.down.sql: version '1-a' has a down file and no up file"));
  const TempDirectory copy;
  copy.Write("1-a.down.sql.orig", "");
  EXPECT_THAT(RenderedErrorOf([&] { Maragudk().Read(copy.path()); }),
              HasSubstr("1-a.down.sql.orig' goes on behind '.down.sql', and the tool would run it"));
}

TEST(Maragudk, UndoingAVersionSetsTheOneBeforeThatHasADownFile) {
  const TempDirectory directory;
  for (const char* name : {"1.up.sql", "1.down.sql", "2.up.sql", "3.up.sql", "3.down.sql"}) directory.Write(name, "");
  const History history(Maragudk().Read(directory.path()));
  const auto ledger = Maragudk().MakeLedger();
  const auto undo = [&](const char* id) {
    return ledger->AfterSql({Direction::kDowngrade, &history.Get(id)}, history);
  };
  EXPECT_THAT(undo("3"), ElementsAre("UPDATE public.migrations SET version = '1'"));
  EXPECT_THAT(undo("1"), ElementsAre("UPDATE public.migrations SET version = ''"));
}

TEST(Maragudk, ClaimsNamesWithANumberOnlyWhereTheProjectNamesIt) {
  const TempDirectory directory;
  directory.Write("sql/001_a.up.sql", "");
  EXPECT_FALSE(Maragudk().Recognise(directory.path() / "sql"));
  directory.Write("go.mod", "require maragu.dev/migrate v0.6.0\n");
  EXPECT_EQ(Maragudk().Recognise(directory.path() / "sql").by, "go.mod names it; 1 file is named NAME.up.sql");
}

TEST(Maragudk, RefusesToNameARevisionThatWouldComeBefore) {
  Revision wanted;
  wanted.title = "x";
  wanted.parents = {"9-a"};
  EXPECT_THAT(RenderedErrorOf([&] { Maragudk().MakeRevision(wanted); }),
              HasSubstr("'10-x' does not come behind '9-a'"));
}

}  // namespace
}  // namespace migproof
