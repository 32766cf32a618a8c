#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "ci/expect_error.h"
#include "ci/temp_directory.h"
#include "harness/cli/runner_commands.h"
#include "migrations/format.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class AuthoringCommands : public testing::Test {
 protected:
  AuthoringCommands() {
    config_.path = directory_.path() / "db";
    std::filesystem::create_directory(config_.path);
  }
  std::string New(const NewRevision& wanted) {
    std::ostringstream out;
    NewRevisionCommand(config_, wanted, out);
    return out.str();
  }
  std::string Merge(const NewRevision& wanted) {
    std::ostringstream out;
    MergeCommand(config_, wanted, out);
    return out.str();
  }
  NewRevision Wanted(const std::string& id, std::vector<std::string> parents = {}) {
    return {.message = "About " + id, .id = id, .parents = std::move(parents), .depends_on = {}, .labels = {}};
  }

  TempDirectory directory_;
  Config config_;
};

TEST_F(AuthoringCommands, InitWritesAConfigurationThatCanBeRead) {
  const auto file = directory_.path() / "migproof.json";
  std::ostringstream out;
  InitCommand(file, "diesel", "my \"db\"", out);
  const Config config = LoadConfig(file);
  EXPECT_EQ(config.format, "diesel");
  EXPECT_EQ(config.path, directory_.path() / "my \"db\"");
  EXPECT_TRUE(std::filesystem::is_directory(config.path));
  EXPECT_EQ(out.str(), file.string() + "\n" + config.path.string() + "/\n");
  const Error error = ErrorOf([&] { InitCommand(file, "native", "db", out); });
  EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  EXPECT_THAT(error.message(), HasSubstr("migproof.json': it is there already"));
  EXPECT_EQ(LoadConfig(file).format, "diesel");
  EXPECT_THAT(RenderedErrorOf([&] { InitCommand(directory_.path() / "b.json", "diesl", "db", out); }),
              HasSubstr("did you mean 'diesel'?"));
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "b.json"));
}

TEST_F(AuthoringCommands, RevisionsFollowTheHead) {
  EXPECT_EQ(New(Wanted("aaaa")), (config_.path / "aaaa_about_aaaa.sql").string() + "\n");
  New(Wanted("bbbb"));
  const History history = LoadHistory(config_);
  EXPECT_THAT(history.Get("aaaa").parents, IsEmpty());
  EXPECT_THAT(history.Get("bbbb").parents, ElementsAre("aaaa"));
  EXPECT_EQ(history.Get("bbbb").title, "About bbbb");
  const std::string drawn = New({.message = "Drawn", .id = "", .parents = {}, .depends_on = {}, .labels = {}});
  EXPECT_THAT(std::filesystem::path(drawn).filename().string(), testing::MatchesRegex("[0-9a-f]+_drawn.sql\n"));
  EXPECT_EQ(LoadHistory(config_).Heads()[0]->id.size(), 12U);
}

TEST_F(AuthoringCommands, SeveralHeadsNeedAParentOrAMerge) {
  New(Wanted("aaaa"));
  New(Wanted("bbbb"));
  New(Wanted("cccc", {"aaaa"}));
  EXPECT_EQ(RenderedErrorOf([&] { New(Wanted("dddd")); }),
            "error: the history has 2 heads: 'bbbb', 'cccc'\n"
            "hint: say which one with --parent, or join them with 'migproof merge'");
  Merge({.message = "", .id = "mmmm", .parents = {}, .depends_on = {}, .labels = {}});
  const History history = LoadHistory(config_);
  EXPECT_THAT(history.Get("mmmm").parents, ElementsAre("bbbb", "cccc"));
  EXPECT_EQ(history.Get("mmmm").title, "Merge bbbb, cccc");
  EXPECT_THAT(RenderedErrorOf([&] { Merge(Wanted("nnnn")); }), HasSubstr("nothing to merge: 1 revision is a head"));
  New(Wanted("root", {"base"}));
  EXPECT_THAT(LoadHistory(config_).Get("root").parents, IsEmpty());
}

TEST_F(AuthoringCommands, DependenciesAndLabelsAreWritten) {
  New(Wanted("aaaa"));
  New({.message = "x", .id = "bbbb", .parents = {"base"}, .depends_on = {"aaaa"}, .labels = {"billing"}});
  const History history = LoadHistory(config_);
  EXPECT_THAT(history.Get("bbbb").depends_on, ElementsAre("aaaa"));
  EXPECT_EQ(history.Resolve("billing")[0]->id, "bbbb");
}

TEST_F(AuthoringCommands, WhatWouldBreakTheHistoryIsTakenAwayAgain) {
  New(Wanted("aaaa"));
  const Error error =
      ErrorOf([&] { New({.message = "Other words", .id = "aaaa", .parents = {}, .depends_on = {}, .labels = {}}); });
  EXPECT_EQ(error.kind(), ErrorKind::kHistory);
  EXPECT_THAT(error.Render(), HasSubstr("that was taken away again"));
  EXPECT_EQ(ListDirectory(config_.path).size(), 1U);
  EXPECT_THAT(RenderedErrorOf([&] { New(Wanted("bbbb", {"none"})); }), HasSubstr("there is no revision 'none'"));
  EXPECT_THAT(RenderedErrorOf([&] { New(Wanted("a b")); }), HasSubstr("'a b' is no revision id"));
  EXPECT_THAT(RenderedErrorOf([&] { New(Wanted("../x")); }), HasSubstr("'../x' is no revision id"));
  EXPECT_THAT(RenderedErrorOf([&] { New({.message = " ", .id = "", .parents = {}, .depends_on = {}, .labels = {}}); }),
              HasSubstr("a revision needs a title"));
  EXPECT_EQ(ListDirectory(config_.path).size(), 1U);
}

TEST_F(AuthoringCommands, OtherFormatsNumberByThemselves) {
  config_.format = "golang-migrate";
  New({.message = "Add users", .id = "", .parents = {}, .depends_on = {}, .labels = {}});
  New({.message = "Add groups", .id = "", .parents = {}, .depends_on = {}, .labels = {}});
  const History history = LoadHistory(config_);
  EXPECT_EQ(history.Heads()[0]->id, "000002_Add_groups");
  EXPECT_TRUE(history.Heads()[0]->downgrade);
  // Anywhere but at the head the number is taken.
  EXPECT_THAT(RenderedErrorOf([&] { New(Wanted("x", {"000001_Add_users"})); }), HasSubstr("version 2 is there twice"));
  EXPECT_EQ(ListDirectory(config_.path).size(), 4U);
  EXPECT_THAT(RenderedErrorOf([&] {
                Merge(Wanted("x", {"000001_Add_users", "000002_Add_groups"}));
              }),
              HasSubstr("there is nothing to merge"));
}

TEST_F(AuthoringCommands, DieselMakesADirectory) {
  config_.format = "diesel";
  New({.message = "Add users", .id = "", .parents = {}, .depends_on = {}, .labels = {}});
  EXPECT_EQ(LoadHistory(config_).size(), 1U);
}

}  // namespace
}  // namespace migproof
