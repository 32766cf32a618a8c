// The descent from the heads names the downgrades that are to blame, and no other: neither those below one that left
// rows otherwise, nor those below a place that had to be made again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ci/project.h"

namespace migproof {
namespace {

using testing::HasSubstr;

class DescentTest : public testing::Test {
 protected:
  DescentTest() {
    project_.Revision("r1", "",
                      "CREATE TABLE meters (id int PRIMARY KEY, reading int, read_at timestamptz);\n"
                      "INSERT INTO meters VALUES (1, 7, now());",
                      "DROP TABLE meters;");
    project_.Revision("r2", "r1", "CREATE TABLE rooms (id int);", "DROP TABLE rooms;");
  }

  const Project project_;
};

TEST_F(DescentTest, DoesNotTakeAnotherTimeOfDayForALoss) {
  project_.Revision("r3", "r2", "CREATE TABLE keys (id int);", "DROP TABLE key;");
  const ProgramRun run = project_.Verify({"--law=round_trip", "--cases=0"});
  ASSERT_EQ(run.status, 1) << run;
  EXPECT_THAT(run.out, HasSubstr("1 of 3 downgrades on the way")) << run;
}

TEST_F(DescentTest, NamesTheDowngradeThatLeftARowOtherwiseOnly) {
  project_.Revision("r3", "r2", "UPDATE meters SET reading = 8;", "UPDATE meters SET reading = 9;");
  const ProgramRun run = project_.Verify({"--law=round_trip", "--cases=0"});
  ASSERT_EQ(run.status, 1) << run;
  EXPECT_THAT(run.out, HasSubstr("1 of 3 downgrades on the way")) << run;
}

}  // namespace
}  // namespace migproof
