#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "ci/expect_error.h"
#include "ci/temp_directory.h"
#include "harness/cli/revision_text.h"
#include "harness/cli/runner_commands.h"

namespace migproof {
namespace {

using testing::HasSubstr;

class HistoryCommands : public testing::Test {
 protected:
  HistoryCommands() {
    config_.path = directory_.path();
    Write("aaaa", "", "-- migproof: idempotent\n");
    Write("bbbbbb", "aaaa", "-- migproof: transaction off\n-- migproof: label side\n");
    Write("cccc", "aaaa", "-- migproof: depends_on bbbbbb\n-- migproof: loses t.x \"on purpose\"\n");
    Write("mmmm", "bbbbbb, cccc", "");
  }
  void Write(const std::string& id, const std::string& parents, const std::string& more) {
    directory_.Write(id + ".sql", "-- About " + id + "\n-- migproof: revision " + id + "\n-- migproof: parents " +
                                      parents + "\n" + more + "-- migproof: upgrade\nSELECT 1;\n" +
                                      (id == "cccc" ? "" : "-- migproof: downgrade\n"));
  }
  std::string Run(void (*command)(const Config&, std::ostream&)) {
    std::ostringstream out;
    command(config_, out);
    return out.str();
  }
  std::string Run(void (*command)(const Config&, std::string_view, std::ostream&), std::string_view argument) {
    std::ostringstream out;
    command(config_, argument, out);
    return out.str();
  }

  TempDirectory directory_;
  Config config_;
};

TEST_F(HistoryCommands, Heads) { EXPECT_EQ(Run(HeadsCommand), "mmmm  About mmmm  (head, merge)\n"); }

TEST_F(HistoryCommands, HistoryIsAlignedAndNewestFirst) {
  EXPECT_EQ(Run(HistoryCommand, ""),
            "mmmm    About mmmm  (head, merge)  <- bbbbbb, cccc\n"
            "cccc    About cccc  <- aaaa\n"
            "bbbbbb  About bbbbbb  (side)  <- aaaa\n"
            "aaaa    About aaaa  (base)\n");
  EXPECT_EQ(Run(HistoryCommand, "aaaa:side"), "bbbbbb  About bbbbbb  (side)  <- aaaa\n");
}

TEST_F(HistoryCommands, Show) {
  const std::string text = Run(ShowCommand, "cccc");
  EXPECT_THAT(text, testing::StartsWith("revision    cccc\ntitle       About cccc\nfile        "));
  EXPECT_THAT(text, HasSubstr("parents     aaaa\ndepends on  bbbbbb\nchildren    mmmm\n"));
  EXPECT_THAT(text, HasSubstr("upgrade     1 statement, in one transaction\ndowngrade   none\n"));
  EXPECT_THAT(text, HasSubstr("declares    loses t.x \"on purpose\"\n"));
  EXPECT_THAT(Run(ShowCommand, "side"),
              HasSubstr("downgrade   0 statements, statement by statement, without a transaction\n"));
  EXPECT_EQ(Run(ShowCommand, "base"), "base: the database before the first revision\n");
  EXPECT_THAT(RenderedErrorOf([&] { Run(ShowCommand, "cccd"); }), HasSubstr("did you mean 'cccc'?"));
}

TEST_F(HistoryCommands, CheckHistory) {
  EXPECT_EQ(Run(CheckHistoryCommand), "4 revisions in " + config_.path.string() +
                                          ": 1 base, 1 head, one order\n"
                                          "     1 with several parents (merges)\n"
                                          "     1 without a downgrade\n"
                                          "     3 with a downgrade that does nothing\n"
                                          "     1 that run without a transaction\n"
                                          "     2 with declarations\n");
  Write("dddd", "aaaa", "");
  EXPECT_THAT(Run(CheckHistoryCommand), HasSubstr("2 heads, several orders\nheads: dddd, mmmm\n"));
  Write("aaaa", "mmmm", "");
  EXPECT_THAT(RenderedErrorOf([&] { Run(CheckHistoryCommand); }), HasSubstr("is its own ancestor"));
}

TEST(RevisionText, LongTitlesAreCutBetweenCharacters) {
  Revision revision;
  revision.title = std::string(71, 'x') + "ää";
  EXPECT_EQ(ShortTitle(revision), std::string(71, 'x') + "...");
  revision.title = std::string(72, 'x');
  EXPECT_EQ(ShortTitle(revision), revision.title);
}

}  // namespace
}  // namespace migproof
