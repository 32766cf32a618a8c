// What a harness gets wrong by itself, tried on this one: seeding that fails, workers that say nothing, readers that
// are blind, comparisons that drop something, nothing that was tried. None of it may end as "held".
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <nlohmann/json.hpp>

#include "ci/project.h"
#include "harness/verify/property.h"
#include "harness/verify/verify.h"
#include "harness/verify/worker.h"

namespace migproof {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Subject ReadProject(const Project& project) {
  const std::filesystem::path history = project.path() / "migrations";
  return Subject("native", history, {}, Registry<Format>::Get("native").Read(history));
}

// "r2 held", by law and revision.
std::vector<std::string> VerdictsOf(const json& report, const std::string& law) {
  std::vector<std::string> lines;
  for (const auto& verdict : report.at("verdicts")) {
    if (verdict.at("law") != law) continue;
    lines.push_back(verdict.at("revision").get<std::string>() + " " + verdict.at("outcome").get<std::string>());
  }
  return lines;
}

json VerifyAsJson(const Project& project, std::vector<std::string> arguments = {}) {
  arguments.emplace_back("--report=json");
  const ProgramRun run = project.Verify(arguments);
  EXPECT_NE(run.status, 0) << run;
  return json::parse(run.out);
}

class SabotagedLaw : public Property {
 public:
  using Body = std::function<std::optional<Finding>(Trial&)>;
  explicit SabotagedLaw(Body body) : body_(std::move(body)) {}
  std::string_view Sentence() const override { return "whatever its test says"; }
  bool ChecksRevisions() const override { return true; }
  bool ChecksHistory() const override { return false; }
  std::string WhyNotApplicable(const Subject&, const Revision*) const override { return ""; }
  std::optional<Finding> Check(Trial& trial) const override { return body_(trial); }

 private:
  Body body_;
};

// The report on three sound revisions of a law that exists for this one run: it is registered in a process of its own.
json VerifyWithLaw(const SabotagedLaw::Body& body) {
  Project project;
  project.SoundRevision();
  project.Revision("r2", "r1", "CREATE TABLE u (id int);", "DROP TABLE u;");
  project.Revision("r3", "r2", "CREATE TABLE v (id int);", "DROP TABLE v;");
  const Subject subject = ReadProject(project);
  json report;
  const auto verify = [&](int, const Emit& emit) {
    Registry<Property>::Add("sabotaged", std::make_unique<SabotagedLaw>(body));
    VerifyOptions options;
    options.laws = {"sabotaged"};
    options.jobs = 1;
    emit(ToJson(Verify(subject, options, nullptr)));
  };
  const auto ends = RunWorkers(1, verify, [&](int, const json& document) { report = document; });
  EXPECT_EQ(ends.front().failure, "");
  return report;
}

TEST(NothingExercised, IsGivenUp) {
  const json report = VerifyWithLaw([](Trial&) { return std::nullopt; });
  EXPECT_THAT(VerdictsOf(report, "sabotaged"), ElementsAre("r1 gave_up", "r2 gave_up", "r3 gave_up"));
  EXPECT_EQ(report.at("summary").at("exit_status"), 2);
}

TEST(NothingExercised, IsGivenUpWhereAllCountsAreZero) {
  const json report = VerifyWithLaw([](Trial& trial) {
    trial.Exercised("rows accepted", 0);
    trial.Exercised("nullable columns filled", 0);
    return std::nullopt;
  });
  EXPECT_THAT(VerdictsOf(report, "sabotaged"), ElementsAre("r1 gave_up", "r2 gave_up", "r3 gave_up"));
}

std::optional<Finding> HoldUntil(Trial& trial, const std::string& revision, const std::function<void()>& then) {
  trial.Exercised("looks");
  if (trial.revision().id == revision) then();
  return std::nullopt;
}

TEST(WorkerThatDies, LeavesErrors) {
  const json report = VerifyWithLaw([](Trial& trial) { return HoldUntil(trial, "r2", [] { raise(SIGKILL); }); });
  EXPECT_THAT(VerdictsOf(report, "sabotaged"), ElementsAre("r1 held", "r2 error", "r3 error"));
  EXPECT_THAT(report.dump(), HasSubstr("killed by signal 9"));
  EXPECT_EQ(report.at("summary").at("exit_status"), 2);
}

TEST(WorkerThatEndsEarly, LeavesErrorsThoughItSaysThatAllIsWell) {
  const json report = VerifyWithLaw([](Trial& trial) { return HoldUntil(trial, "r2", [] { _exit(0); }); });
  EXPECT_THAT(VerdictsOf(report, "sabotaged"), ElementsAre("r1 held", "r2 error", "r3 error"));
  EXPECT_THAT(report.dump(), HasSubstr("nobody looked at it"));
  EXPECT_EQ(report.at("summary").at("exit_status"), 2);
}

TEST(WorkerThatSaysNothing, LeavesErrors) {
  Project project;
  project.SoundRevision();
  const Subject subject = ReadProject(project);
  VerifyOptions options;
  options.factory = []() -> std::unique_ptr<Server> { _exit(0); };
  const Report report = Verify(subject, options, nullptr);
  for (const Verdict& verdict : report.verdicts) EXPECT_EQ(verdict.outcome, Outcome::kError) << verdict.law;
  EXPECT_EQ(report.ExitStatus(), 2);
}

TEST(LawThatThrows, IsAnError) {
  const json report = VerifyWithLaw([](Trial& trial) -> std::optional<Finding> {
    trial.Exercised("looks");
    throw std::runtime_error("a fault in the law");
  });
  EXPECT_THAT(VerdictsOf(report, "sabotaged"), Not(Contains(HasSubstr("held"))));
  EXPECT_EQ(report.at("summary").at("exit_status"), 2);
}

// A row that the server itself can't read back: its enum label is gone.
TEST(ReadingRows, ThatFailsHalfWayIsAnError) {
  Project project;
  project.SoundRevision();
  project.Revision("r2", "r1",
                   "CREATE TYPE mood AS ENUM ('fine', 'grim');\n"
                   "CREATE TABLE felt (id int, how mood);\n"
                   "INSERT INTO felt VALUES (1, 'fine'), (2, 'grim'), (3, 'fine');\n"
                   "DELETE FROM pg_enum WHERE enumlabel = 'grim';",
                   "DROP TABLE felt; DROP TYPE mood;");
  project.Revision("r3", "r2", "CREATE TABLE u (id int);", "DROP TABLE u;");
  const json report = VerifyAsJson(project);
  for (const char* law : {"upgrade_succeeds", "round_trip"}) {
    EXPECT_THAT(VerdictsOf(report, law), Contains("r1 held"));
    EXPECT_THAT(VerdictsOf(report, law), Not(Contains("r2 held")));
    EXPECT_THAT(VerdictsOf(report, law), Not(Contains("r3 held")));
  }
  EXPECT_THAT(VerdictsOf(report, "round_trip"), Not(Contains(" held")));
}

TEST(Seeding, ThatFailsInAModelIsAnError) {
  Project project;
  project.SoundRevision();
  project.Write("model.sql", "CREATE TABLE t (id int PRIMARY KEY);\nINSERT INTO nowhere VALUES (1);\n");
  const json report = VerifyAsJson(project, {"--model=model.sql", "--law=schema_fidelity"});
  EXPECT_THAT(VerdictsOf(report, "schema_fidelity"), ElementsAre(" error"));
  EXPECT_THAT(report.dump(), HasSubstr("model.sql:2"));
}

// What a savepoint, or a transaction that is rolled back, would hide.
class Commit : public testing::Test {
 protected:
  Commit() {
    project_.Revision("r1", "",
                      "CREATE TABLE parents (id int PRIMARY KEY);\n"
                      "CREATE TABLE children (parent int REFERENCES parents DEFERRABLE INITIALLY DEFERRED);",
                      "DROP TABLE children, parents;");
  }
  Project project_;
};

TEST_F(Commit, ThatRefusesAnUpgradeIsAFinding) {
  project_.Revision("r2", "r1", "INSERT INTO children VALUES (1);", "DELETE FROM children;");
  const json report = VerifyAsJson(project_, {"--law=upgrade_succeeds"});
  EXPECT_THAT(VerdictsOf(report, "upgrade_succeeds"), ElementsAre("r1 held", "r2 falsified"));
}

TEST_F(Commit, ThatRefusesADowngradeIsAFinding) {
  project_.Revision("r2", "r1", "CREATE TABLE u (id int);", "DROP TABLE u;\nINSERT INTO children VALUES (1);");
  const json report = VerifyAsJson(project_, {"--law=round_trip"});
  EXPECT_THAT(VerdictsOf(report, "round_trip"), ElementsAre("r1 held", "r2 falsified", " falsified"));
  EXPECT_THAT(report.dump(), HasSubstr("children_parent_fkey"));
}

// The second upgrade passes, and yet the table is another one.
TEST(IfNotExists, DoesNotHideATableThatTheDowngradeChanged) {
  Project project;
  project.Revision("r1", "", "CREATE TABLE IF NOT EXISTS t (id int, note text);", "ALTER TABLE t DROP COLUMN note;");
  const json report = VerifyAsJson(project, {"--law=round_trip"});
  EXPECT_THAT(VerdictsOf(report, "round_trip"), ElementsAre("r1 falsified", " falsified"));
  EXPECT_THAT(report.dump(), HasSubstr("- column public.t.note"));
}

TEST(IfNotExists, DoesNotHideThatTheTableIsAnother) {
  Project project;
  project.Revision("r1", "", "CREATE TABLE t (id int);", "DROP TABLE t;");
  project.Revision("r2", "r1", "CREATE TABLE IF NOT EXISTS t (id int, note text);", "SELECT 1;");
  project.Write("model.sql", "CREATE TABLE t (id int, note text);\n");
  const json report = VerifyAsJson(project, {"--model=model.sql", "--law=schema_fidelity"});
  EXPECT_THAT(VerdictsOf(report, "schema_fidelity"), ElementsAre(" falsified"));
}

TEST(IfNotExists, DoesNotMakeAnUpgradeIdempotentThatIsNot) {
  Project project;
  project.Revision("r1", "",
                   "-- migproof: idempotent\nCREATE TABLE IF NOT EXISTS t (id int);\n"
                   "ALTER TABLE t ALTER COLUMN id TYPE bigint;\nINSERT INTO t VALUES (1);",
                   "DROP TABLE t;");
  const json report = VerifyAsJson(project, {"--law=idempotent_upgrade"});
  EXPECT_THAT(VerdictsOf(report, "idempotent_upgrade"), Contains("r1 falsified"));
}

}  // namespace
}  // namespace migproof
