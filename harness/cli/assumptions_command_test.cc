#include "harness/cli/assumptions_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "ci/expect_error.h"
#include "ci/temp_directory.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"

namespace migproof {
namespace {

using testing::HasSubstr;

class AssumptionsTest : public testing::Test {
 protected:
  AssumptionsTest() {
    command_.config.path = directory_.path() / "db";
    command_.database_url = database_->Conninfo();
    std::filesystem::create_directory(command_.config.path);
  }

  void Write(const std::string& declarations) {
    directory_.Write("db/r1.sql", "-- migproof: revision r1\n" + declarations + "-- migproof: upgrade\nSELECT 1;\n");
  }

  std::string Run() {
    std::ostringstream out;
    status_ = AssumptionsCommand(command_, out);
    return out.str();
  }

  void InDatabase(const std::string& sql) { database_->Connect()->Execute(sql); }

  TempDirectory directory_;
  std::unique_ptr<Database> database_ = Database::Create(TestServer());
  DatabaseCommand command_;
  int status_ = -1;
};

TEST_F(AssumptionsTest, CountsTheRowsThatBreakEach) {
  InDatabase("CREATE TABLE orders (id int, note text)");
  InDatabase("INSERT INTO orders SELECT i, CASE WHEN i > 12 THEN 'a' END FROM generate_series(1, 3400) AS i");
  Write(
      "-- migproof: assumes orders: note IS NOT NULL \"filled since v41\"\n"
      "-- migproof: assumes public.orders: id > 0\n");
  EXPECT_EQ(Run(), "orders: note IS NOT NULL   12 of 3,400 rows break it   (r1, " +
                       (directory_.path() / "db/r1.sql").string() +
                       ":2)\n"
                       "public.orders: id > 0      0 of 3,400 rows break it    (r1, " +
                       (directory_.path() / "db/r1.sql").string() + ":3)\n");
  EXPECT_EQ(status_, 1);
}

TEST_F(AssumptionsTest, UnknownIsNotBroken) {
  InDatabase("CREATE TABLE orders (id int); INSERT INTO orders VALUES (NULL)");
  Write("-- migproof: assumes orders: id > 0\n");
  EXPECT_THAT(Run(), HasSubstr("0 of 1 row breaks it"));
  EXPECT_EQ(status_, 0);
}

TEST_F(AssumptionsTest, SaysWhatIsNotThere) {
  InDatabase("CREATE TABLE orders (id int)");
  Write("-- migproof: assumes orders: note <> ''\n-- migproof: assumes lines: id > 0\n");
  const std::string told = Run();
  EXPECT_THAT(told, HasSubstr("orders: note <> ''   not checked: the table has no such column"));
  EXPECT_THAT(told, HasSubstr("lines: id > 0        not checked: there is no such table"));
  EXPECT_EQ(status_, 0);
  Write("");
  EXPECT_EQ(Run(), "no revision declares an assumption\n");
}

TEST_F(AssumptionsTest, RefusesAConditionThatIsNone) {
  InDatabase("CREATE TABLE orders (id int); INSERT INTO orders VALUES (0)");
  Write("-- migproof: assumes orders: 1 / id > 0\n");
  EXPECT_THAT(RenderedErrorOf([&] { Run(); }), HasSubstr("while counting what breaks 'public.orders: 1 / id > 0'"));
  Write(
      "-- migproof: assumes orders: true) IS FALSE) FROM orders; DROP TABLE orders; SELECT count(*) FILTER (WHERE "
      "(true\n");
  EXPECT_THAT(RenderedErrorOf([&] { Run(); }), HasSubstr("multiple commands"));
}

TEST_F(AssumptionsTest, WritesNothing) {
  InDatabase("CREATE TABLE orders (id int); INSERT INTO orders VALUES (1); CREATE SEQUENCE s");
  Write("-- migproof: assumes orders: nextval('s') > 0\n");
  EXPECT_THAT(RenderedErrorOf([&] { Run(); }), HasSubstr("read-only transaction"));
}

}  // namespace
}  // namespace migproof
