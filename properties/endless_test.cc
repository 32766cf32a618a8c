// A step that rows send in circles never ends by itself. It is ended, and that is a finding like any other: no run
// waits for it for ever, and its script for psql ends as well.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "ci/project.h"
#include "ci/psql.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"

namespace migproof {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Endless : public testing::Test {
 protected:
  Endless() {
    project_.Revision("r1", "", "CREATE TABLE rooms (id serial PRIMARY KEY, within int REFERENCES rooms);",
                      "DROP TABLE rooms;");
    project_.Revision("r2", "r1",
                      "ALTER TABLE rooms ADD COLUMN depth int;\n"
                      "WITH RECURSIVE way AS (\n"
                      "  SELECT id AS start, within FROM rooms\n"
                      "  UNION ALL SELECT way.start, rooms.within FROM way JOIN rooms ON rooms.id = way.within)\n"
                      "UPDATE rooms SET depth = (SELECT count(*) FROM way WHERE start = id);",
                      "ALTER TABLE rooms DROP COLUMN depth;");
  }

  const Project project_;
};

TEST_F(Endless, IsEndedAndFound) {
  project_.Write("migproof.json", R"({"step_timeout_ms": 1500})");
  const ProgramRun run = project_.Verify({"--law=upgrade_succeeds", "--law=round_trip", "--revision=r2", "--cases=10"});
  ASSERT_EQ(run.status, 1) << run;
  EXPECT_THAT(run.out, AllOf(HasSubstr("SQLSTATE 57014"), HasSubstr("--step-timeout-ms"))) << run;
  const std::string again = "migproof reproduce ";
  const std::size_t begin = run.out.find(again) + again.size();
  const ProgramRun script =
      project_.Run({"reproduce", run.out.substr(begin, run.out.find(' ', begin) - begin), "--sql"});
  ASSERT_EQ(script.status, 0) << script;
  const auto database = Database::Create(TestServer());
  const std::filesystem::path complaints = project_.path() / "complaints";
  RunPsql(database->Conninfo(), project_.Write("again.sql", script.out), complaints);
  std::ostringstream told;
  told << std::ifstream(complaints).rdbuf();
  EXPECT_THAT(told.str(), HasSubstr("57014"));
}

}  // namespace
}  // namespace migproof
