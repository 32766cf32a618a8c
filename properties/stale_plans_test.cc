// A connection keeps the plans of the PL/pgSQL functions that its rows have gone through, and those go wrong where a
// column has another type afterwards (42804). Who writes rows and who migrates have connections of their own: what our
// sharing of one does is nobody's fault.
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

using testing::HasSubstr;
using testing::Not;

class StalePlans : public testing::Test {
 protected:
  StalePlans() {
    project_.Revision(
        "r1", "",
        "CREATE TABLE events (id int PRIMARY KEY, at timestamp, note text);\n"
        "CREATE FUNCTION note_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n"
        "  IF NEW.at > '2000-01-01' THEN NEW.note := 'new'; END IF;\n"
        "  RETURN NEW;\n"
        "END $$;\n"
        "CREATE TRIGGER noting BEFORE INSERT OR UPDATE ON events FOR EACH ROW EXECUTE FUNCTION note_it();",
        "DROP TABLE events;\nDROP FUNCTION note_it();");
    project_.Revision("r2", "r1",
                      "ALTER TABLE events ALTER COLUMN at TYPE timestamptz USING at AT TIME ZONE 'UTC';\n"
                      "UPDATE events SET id = id;",
                      "ALTER TABLE events ALTER COLUMN at TYPE timestamp USING at AT TIME ZONE 'UTC';\n"
                      "UPDATE events SET id = id;");
    project_.Revision("r3", "r2", "ALTER TABLE events ADD COLUMN more int;", "ALTER TABLE events DROP COLUMN more;");
  }

  const Project project_;
};

TEST_F(StalePlans, OfOurOwnConnectionBreakNoMigration) {
  const ProgramRun run = project_.Verify({"--law=upgrade_succeeds", "--law=round_trip", "--revision=r2"});
  EXPECT_THAT(run.out, Not(HasSubstr("42804"))) << run;
  EXPECT_EQ(run.status, 0) << run;
}

TEST_F(StalePlans, OfEarlierRevisionsKeepNoRowsOut) {
  const ProgramRun run = project_.Verify({"--law=upgrade_succeeds", "--law=data_preservation", "--jobs=1"});
  EXPECT_THAT(run.out, Not(HasSubstr("stayed empty"))) << run;
  EXPECT_EQ(run.status, 0) << run;
}

TEST_F(StalePlans, AreForgottenInAReproductionToo) {
  project_.Revision("r4", "r3",
                    "ALTER TABLE events ALTER COLUMN at TYPE date USING at AT TIME ZONE 'UTC';\n"
                    "UPDATE events SET id = id;\n"
                    "ALTER TABLE events ADD CONSTRAINT noted CHECK (note <> '');",
                    std::nullopt);
  const ProgramRun run = project_.Verify({"--law=upgrade_succeeds", "--revision=r4"});
  ASSERT_EQ(run.status, 1) << run;
  EXPECT_THAT(run.out, HasSubstr("SQLSTATE 23514"));
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
  EXPECT_THAT(told.str(), HasSubstr("23514"));
  EXPECT_THAT(told.str(), Not(HasSubstr("42804")));
}

}  // namespace
}  // namespace migproof
