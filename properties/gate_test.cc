// `verify --git-base`, as a change of a repository meets it; budgets and profiles with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "ci/project.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A repository whose branch "main" holds r1 and r2; the change is made on a branch of its own.
class GitGate : public testing::Test {
 protected:
  void SetUp() override {
    Git({"init", "--quiet", "--initial-branch=main"});
    project_.SoundRevision();
    project_.Revision("r2", "r1", "CREATE TABLE u (id int);", "DROP TABLE u;");
    Commit("base");
    Git({"checkout", "--quiet", "-b", "change"});
  }

  ProgramRun Git(const std::vector<std::string>& arguments) const {
    ProgramOptions options;
    options.program = "git";
    options.directory = project_.path();
    options.environment = {{"GIT_CONFIG_NOSYSTEM", "1"}, {"HOME", project_.path().string()},
                           {"GIT_AUTHOR_NAME", "a"},     {"GIT_AUTHOR_EMAIL", "a@example.org"},
                           {"GIT_COMMITTER_NAME", "a"},  {"GIT_COMMITTER_EMAIL", "a@example.org"},
                           {"GIT_DIR", std::nullopt}};
    const ProgramRun run = RunProgram(arguments, options);
    EXPECT_EQ(run.status, 0) << run;
    return run;
  }

  void Commit(const std::string& subject) const {
    Git({"add", "--all"});
    Git({"commit", "--quiet", "-m", subject});
  }

  // What happens on the branch meanwhile.
  template <typename Change>
  void OnMain(Change&& change) const {
    Commit("ours");
    Git({"checkout", "--quiet", "main"});
    change();
    Commit("theirs");
    Git({"checkout", "--quiet", "change"});
  }

  json Verify(int status, const std::vector<std::string>& flags = {}) const {
    std::vector<std::string> arguments = {"--git-base=main", "--cases=2", "--report=json", "--no-save",
                                          "--law=round_trip"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const ProgramRun run = project_.Verify(arguments);
    EXPECT_EQ(run.status, status) << run;
    return json::parse(run.out);
  }

  // "law revision", for each verdict of that outcome.
  static std::vector<std::string> Units(const json& report, const std::string& outcome) {
    std::vector<std::string> units;
    for (const json& verdict : report.at("verdicts")) {
      if (verdict.at("outcome") == outcome) {
        units.push_back(verdict.at("law").get<std::string>() + " " + verdict.at("revision").get<std::string>());
      }
    }
    return units;
  }

  static std::string MessageOf(const json& report, const std::string& law) {
    for (const json& verdict : report.at("verdicts")) {
      if (verdict.at("law") == law && verdict.contains("finding")) return verdict.at("finding").at("message");
    }
    return "";
  }

  void Third() const { project_.Revision("r3", "r2", "CREATE TABLE v (id int);", "DROP TABLE v;"); }

  const Project project_;
};

TEST_F(GitGate, LooksAtWhatIsNewWithTheOldAsGround) {
  Third();
  const json report = Verify(0);
  EXPECT_THAT(Units(report, "held"),
              ElementsAre("applied_unchanged ", "merged_history ", "new_after_old ", "round_trip r3"));
  EXPECT_THAT(report.at("notes").at(0), HasSubstr("1 of 3 revisions new since main (merge base "));
  Commit("ours");
  EXPECT_THAT(Units(Verify(0), "held"), Contains("round_trip r3")) << "committed or not is the same";
}

TEST_F(GitGate, PassesAChangeWithoutRevisionsAndStartsNoServer) {
  project_.Write("main.c", "int main() {}\n");
  const json report = Verify(0, {"--postgres=existing:postgresql://nowhere.invalid/x"});
  EXPECT_EQ(report.at("server"), "no server: nothing is new");
  EXPECT_THAT(Units(report, "held"), ElementsAre("applied_unchanged ", "merged_history "));
}

TEST_F(GitGate, FindsAnEditedRevision) {
  Third();
  project_.Revision("r2", "r1", "CREATE TABLE u (id bigint);", "DROP TABLE u;");
  const json report = Verify(1);
  EXPECT_THAT(Units(report, "falsified"), ElementsAre("applied_unchanged r2"));
  EXPECT_THAT(Units(report, "held"), Contains("round_trip r2")) << "what it is now is looked at too";
  EXPECT_THAT(MessageOf(report, "applied_unchanged"), HasSubstr("'r2' is in main and was edited here"));
}

TEST_F(GitGate, TellsButAllowsAnotherDowngradeAndComments) {
  project_.Revision("r2", "r1", "-- the second\nCREATE TABLE u (id int);", "DROP TABLE IF EXISTS u;");
  const json report = Verify(0);
  EXPECT_THAT(Units(report, "held"), Contains("round_trip r2"));
  EXPECT_THAT(report.at("notes").at(1), HasSubstr("not what its upgrade does"));
}

TEST_F(GitGate, FindsARemovedRevision) {
  fs::remove(project_.path() / "migrations/r2.sql");
  EXPECT_THAT(Units(Verify(1), "falsified"), ElementsAre("applied_unchanged r2"));
}

TEST_F(GitGate, FindsARevisionThatWasMovedBehindAnother) {
  Third();
  project_.Revision("r2", "", "CREATE TABLE u (id int);", "DROP TABLE u;");
  EXPECT_THAT(Units(Verify(1), "falsified"), Contains("applied_unchanged r2"));
}

TEST_F(GitGate, FindsTwoHeadsThatOnlyTheMergeHas) {
  Third();
  OnMain([&] { project_.Revision("m3", "r2", "CREATE TABLE w (id int);", "DROP TABLE w;"); });
  const json report = Verify(1);
  EXPECT_THAT(Units(report, "falsified"), ElementsAre("merged_history "));
  EXPECT_THAT(MessageOf(report, "merged_history"), HasSubstr("the history has 2 heads: m3, r3"));
  EXPECT_THAT(Units(report, "held"), Contains("round_trip r3"));
}

TEST_F(GitGate, FindsOneRevisionMadeTwice) {
  Third();
  OnMain([&] {
    project_.Write("migrations/other.sql",
                   "-- migproof: revision r3\n-- migproof: parents r2\n-- migproof: upgrade\n"
                   "SELECT 1;\n");
  });
  EXPECT_THAT(MessageOf(Verify(1), "merged_history"), HasSubstr("the history can't be read: "));
}

TEST_F(GitGate, TakesItselfForWhatItIsAndLeavesTheRepositoryAlone) {
  Third();
  const std::string before = Git({"status", "--porcelain=v2", "--branch"}).out;
  Verify(0);
  EXPECT_EQ(Git({"status", "--porcelain=v2", "--branch"}).out, before);
}

TEST_F(GitGate, SaysWhatItCanNotCompareWith) {
  EXPECT_THAT(project_.Verify({"--git-base=nowhere"}).err, HasSubstr("git knows no commit 'nowhere'"));
  EXPECT_THAT(project_.Verify({"--git-base=--output=x"}).err, HasSubstr("git knows no commit"));
  EXPECT_THAT(project_.Verify({"--git-base=main", "--since=r1"}).err, HasSubstr("--since"));
  Git({"checkout", "--quiet", "--orphan", "alone"});
  Commit("alone");
  EXPECT_THAT(project_.Verify({"--git-base=main"}).err, HasSubstr("no common ancestor"));
  const Project outside;
  outside.SoundRevision();
  EXPECT_THAT(outside.Verify({"--git-base=main"}).err, HasSubstr("is in no git work tree"));
}

TEST_F(GitGate, KnowsAcceptedFindingsOfItsOwn) {
  project_.Revision("r2", "r1", "CREATE TABLE u (id bigint);", "DROP TABLE u;");
  const ProgramRun run = project_.Verify({"--git-base=main", "--law=round_trip", "--cases=0"});
  const std::size_t at = run.out.find("migproof accept applied_unchanged:r2#");
  ASSERT_NE(at, std::string::npos) << run;
  const std::string name = run.out.substr(at + 16, run.out.find(' ', at + 16) - at - 16);
  EXPECT_EQ(project_.Run({"accept", name, "--why", "never released", "--until", "2099-01-31"}).status, 0);
  EXPECT_EQ(Verify(0).at("summary").at("waived"), 1);
}

// A number in the middle: the branch has got a third migration meanwhile, and ours is a second one.
// fixtures/applied_unchanged/*: base/ is what the branch "main" has, change/ what becomes of it.
class AppliedUnchanged : public GitGate, public testing::WithParamInterface<fs::path> {
 protected:
  void SetUp() override {
    GitGate::SetUp();
    Git({"checkout", "--quiet", "main"});
    Take("base");
    Commit("the fixture's");
    Git({"checkout", "--quiet", "-b", "fixture"});
    Take("change");
  }

 private:
  void Take(const std::string& side) const {
    fs::remove_all(project_.path() / "migrations");
    fs::copy(GetParam() / side, project_.path() / "migrations");
  }
};

TEST_P(AppliedUnchanged, GetsItsVerdict) {
  std::ifstream file(GetParam() / "expect.json");
  const json expected = json::parse(file);
  const bool held = expected.value("held", false);
  const json report = Verify(held ? 0 : 1);
  if (held) {
    EXPECT_THAT(Units(report, "held"), Contains("applied_unchanged "));
    EXPECT_THAT(Units(report, "falsified"), IsEmpty());
    return;
  }
  const json& falsified = expected.at("falsified").at(0);
  EXPECT_THAT(Units(report, "falsified"), Contains("applied_unchanged " + falsified.at("revision").get<std::string>()));
  EXPECT_THAT(MessageOf(report, "applied_unchanged"), HasSubstr(falsified.at("drift").at(0).get<std::string>()));
}

std::vector<fs::path> AppliedUnchangedCases() {
  std::vector<fs::path> cases;
  for (const char* kind : {"breaks", "holds"}) {
    for (const auto& entry :
         fs::directory_iterator(fs::path(MIGPROOF_SOURCE_DIR) / "fixtures" / "applied_unchanged" / kind)) {
      cases.push_back(entry.path());
    }
  }
  std::sort(cases.begin(), cases.end());
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Fixtures, AppliedUnchanged, testing::ValuesIn(AppliedUnchangedCases()), [](const auto& one) {
  return one.param.parent_path().filename().string() + "_" + one.param.filename().string();
});

TEST(GitGateOfNumbers, FindsANewRevisionThatComesBeforeAnOldOne) {
  const Project project;
  const auto git = [&](const std::string& command) {
    ProgramOptions options;
    options.program = "/bin/sh";
    options.directory = project.path();
    options.environment = {{"HOME", project.path().string()}};
    const std::string name = " -c user.name=a -c user.email=a@example.org ";
    const ProgramRun run = RunProgram({"-c", "git" + name + command}, options);
    EXPECT_EQ(run.status, 0) << run;
  };
  const auto migration = [&](const std::string& number, const std::string& table) {
    project.Write("db/" + number + "_" + table + ".up.sql", "CREATE TABLE " + table + " (id int);");
    project.Write("db/" + number + "_" + table + ".down.sql", "DROP TABLE " + table + ";");
  };
  git("init --quiet --initial-branch=main");
  migration("001", "a");
  git("add --all && git -c user.name=a -c user.email=a@example.org commit --quiet -m base");
  git("checkout --quiet -b change");
  migration("002", "b");
  git("add --all && git -c user.name=a -c user.email=a@example.org commit --quiet -m ours");
  git("checkout --quiet main");
  migration("003", "c");
  git("add --all && git -c user.name=a -c user.email=a@example.org commit --quiet -m theirs");
  git("checkout --quiet change");
  const ProgramRun run = project.Verify({"--format=golang-migrate", "--path=db", "--git-base=main", "--cases=0"});
  EXPECT_EQ(run.status, 1) << run;
  EXPECT_THAT(run.out, HasSubstr("falsified  new_after_old  002_b"));
  EXPECT_THAT(run.out, HasSubstr("at db/002_b.up.sql"));
}

TEST(Budget, SaysWhatItLeftOut) {
  const Project project;
  project.SoundRevision();
  project.Revision("r2", "r1", "ALTER TABLE t ADD a text;", "ALTER TABLE t DROP a;");
  const ProgramRun run = project.Verify({"--budget=1ms"});
  EXPECT_EQ(run.status, 2) << run;
  EXPECT_THAT(run.out, HasSubstr("gave_up: the budget was spent before this was looked at"));
  EXPECT_EQ(project.Verify({"--budget=1h", "--cases=3"}).status, 0);
  EXPECT_THAT(project.Verify({"--budget=1"}).err, HasSubstr("'1' is no time"));
}

TEST(Profile, ForwardOnlyLooksAtNoDowngrade) {
  const Project project;
  project.SoundRevision();
  project.Revision("r2", "r1", "CREATE TABLE u (id int);", "DROP TABLE nowhere;");
  EXPECT_EQ(project.Verify({"--cases=0"}).status, 1);
  const ProgramRun run = project.Verify({"--cases=0", "--profile=forward-only"});
  EXPECT_EQ(run.status, 0) << run;
  EXPECT_THAT(run.out, Not(HasSubstr("downgrades,")));
  project.Write("migproof.json", R"({"profile": "forward-only"})");
  EXPECT_EQ(project.Verify({"--cases=0"}).status, 0);
  EXPECT_THAT(project.Verify({"--profile=forwards"}).err, HasSubstr("forward-only or both-ways"));
}

}  // namespace
}  // namespace migproof
