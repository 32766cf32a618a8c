// Tables that generated rows could not fill are named in every report, with what the server says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "ci/json_schema.h"
#include "ci/project.h"
#include "migrations/format.h"

namespace migproof {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class EmptyTables : public testing::Test {
 protected:
  EmptyTables() {
    project_.Revision("r1", "",
                      "CREATE TABLE filled (id int PRIMARY KEY, note text);\n"
                      "CREATE TABLE guarded (id int PRIMARY KEY);\n"
                      "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS\n"
                      "  $$ BEGIN RAISE EXCEPTION 'rows come from the importer' USING ERRCODE = 'P0042'; END $$;\n"
                      "CREATE TRIGGER guard BEFORE INSERT ON guarded FOR EACH ROW EXECUTE FUNCTION refuse();\n"
                      "CREATE TABLE guarded_part (guarded int NOT NULL REFERENCES guarded (id));\n"
                      "CREATE TABLE impossible (v int NOT NULL CONSTRAINT never CHECK (v > 3 AND v < 2));",
                      "DROP TABLE filled, guarded_part, guarded, impossible;\nDROP FUNCTION refuse();");
  }

  const Project project_;
};

TEST_F(EmptyTables, AreNamedWithTheReason) {
  const std::vector<std::string> lines = {
      "public.guarded stayed empty: the server refused all its rows: rows come from the importer (SQLSTATE P0042)",
      "public.guarded_part stayed empty: the server refused all its rows: insert or update on table \"guarded_part\" "
      "violates foreign key constraint \"guarded_part_guarded_fkey\" (SQLSTATE 23503)",
      "public.impossible stayed empty: no value passes its CHECKs: new row for relation \"impossible\" violates check "
      "constraint \"never\" (SQLSTATE 23514)"};
  project_.Revision("r2", "r1", "ALTER TABLE filled ADD COLUMN more int;", "ALTER TABLE filled DROP COLUMN more;");
  const ProgramRun run = project_.Verify({"--law=data_preservation", "--revision=r2", "--report=text",
                                          "--report=json=out.json", "--report=html=out.html"});
  EXPECT_EQ(run.status, 0) << run;
  const json report = json::parse(ReadTextFile(project_.path() / "out.json"));
  EXPECT_EQ(report.at("rows").at("empty"), json(lines));
  const json schema =
      json::parse(ReadTextFile(std::filesystem::path(MIGPROOF_SOURCE_DIR) / "fixtures/reports/report.schema.json"));
  EXPECT_THAT(SchemaComplaints(schema, report), testing::IsEmpty());
  const std::string html = ReadTextFile(project_.path() / "out.html");
  for (const std::string& line : lines) {
    EXPECT_THAT(run.out, HasSubstr("    " + line + "\n"));
    const std::string told = line.substr(0, line.find('"'));
    EXPECT_THAT(html, HasSubstr(told));
  }
  EXPECT_THAT(html, HasSubstr("SQLSTATE 23514"));
}

TEST(RefusedRows, OfEveryCaseAreTheReasonToGiveUp) {
  const Project project;
  project.Revision("r1", "", "CREATE TABLE orders (id int PRIMARY KEY, note text);", "DROP TABLE orders;");
  project.Revision("r2", "r1", "ALTER TABLE orders ADD COLUMN price int NOT NULL;",
                   "ALTER TABLE orders DROP COLUMN price;");
  const ProgramRun run = project.Verify({"--law=data_preservation", "--revision=r2", "--cases=9"});
  EXPECT_EQ(run.status, 2) << run;
  EXPECT_THAT(run.out, HasSubstr("gave_up: the upgrade refuses the rows of every case, 9 of 9\n"));
}

TEST_F(EmptyTables, ThatTheRevisionTouchesMakeItGiveUpWithTheSameWords) {
  project_.Revision("r2", "r1", "ALTER TABLE guarded ADD COLUMN more int;", "ALTER TABLE guarded DROP COLUMN more;");
  const ProgramRun run = project_.Verify({"--law=data_preservation", "--revision=r2"});
  EXPECT_EQ(run.status, 2) << run;
  EXPECT_THAT(run.out,
              HasSubstr("gave_up: public.guarded stayed empty: the server refused all its rows: rows come from "
                        "the importer (SQLSTATE P0042)"));
}

}  // namespace
}  // namespace migproof
