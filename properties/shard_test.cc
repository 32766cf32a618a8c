// A run in shards is the run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "ci/project.h"

namespace migproof {
namespace {

using testing::HasSubstr;

class Shards : public testing::Test {
 protected:
  Shards() {
    project_.SoundRevision();
    project_.Revision("r2", "r1", "ALTER TABLE t ADD note text;", "ALTER TABLE t DROP note;");
    project_.Revision("r3", "r2", "ALTER TABLE t DROP note;", "ALTER TABLE t ADD note text;");
    project_.Revision("r4", "r2", "CREATE TYPE mood AS ENUM ('fine');", "SELECT 1;");
    project_.Revision("r5", "r3 r4", "CREATE TABLE u (id int REFERENCES t);", "DROP TABLE u;",
                      "-- migproof: leaves table elsewhere");
  }

  ProgramRun Verify(std::vector<std::string> flags) const {
    for (const char* flag : {"--cases=10", "--no-save", "--seed=3"}) flags.emplace_back(flag);
    return project_.Verify(flags);
  }

  const Project project_;
};

TEST_F(Shards, MergeToTheReportOfTheWholeRun) {
  const std::string whole = Verify({"--report=json"}).out;
  std::vector<std::string> merge = {"report", "merge", "--report=json", "--report=html=all.html"};
  for (const char* shard : {"1", "2", "3"}) {
    const std::string file = std::string("shard") + shard + ".json";
    Verify({std::string("--shard=") + shard + "/3", "--report=json=" + file});
    merge.insert(merge.begin() + 2, file);
  }
  const ProgramRun run = project_.Run(merge);
  EXPECT_EQ(run.status, 1) << run.err;
  EXPECT_EQ(run.out, whole);
  EXPECT_TRUE(std::filesystem::exists(project_.path() / "all.html"));
  merge.erase(merge.begin() + 3);
  const ProgramRun incomplete = project_.Run(merge);
  EXPECT_EQ(incomplete.status, 2);
  EXPECT_THAT(incomplete.err, HasSubstr("1 of 3 shards are missing: 2"));
}

TEST_F(Shards, OfAnotherRunAreRefused) {
  Verify({"--shard=1/2", "--law=round_trip", "--report=json=a.json"});
  Verify({"--shard=2/2", "--law=upgrade_succeeds", "--report=json=b.json"});
  EXPECT_THAT(project_.Run({"report", "merge", "a.json", "b.json"}).err, HasSubstr("not of the same run"));
}

TEST_F(Shards, WithNothingToDoPass) {
  const ProgramRun run = Verify({"--shard=1/50", "--law=schema_fidelity", "--report=json=a.json"});
  EXPECT_EQ(run.status, 0) << run;
  EXPECT_EQ(project_.Run({"report", "show", "a.json"}).status, 0);
}

TEST_F(Shards, AreRefusedWhereThereIsNone) {
  for (const char* shard : {"0/3", "4/3", "3", "1/0", "a/b", "-1/3"}) {
    const ProgramRun run = Verify({std::string("--shard=") + shard});
    EXPECT_EQ(run.status, 2);
    EXPECT_THAT(run.err, HasSubstr("is no shard")) << shard;
  }
}

TEST_F(Shards, ReportIsShownInOtherForms) {
  const ProgramRun run = Verify({"--law=round_trip", "--report=json=a.json", "--report=junit"});
  const ProgramRun shown = project_.Run({"report", "show", "a.json", "--report=markdown"});
  EXPECT_EQ(shown.status, run.status);
  EXPECT_THAT(shown.out, HasSubstr("## ❌ migproof: "));
  EXPECT_THAT(project_.Run({"report", "show", "migrations/r1.sql"}).err, HasSubstr("is no report of migproof"));
}

}  // namespace
}  // namespace migproof
