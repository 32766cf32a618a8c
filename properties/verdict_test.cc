// What a verify ends with: the exit status and the verdicts it follows from; known answers, waivers, what was skipped,
// and declarations that say what never occurs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "ci/project.h"

namespace migproof {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// r2 leaves the type that it made.
class LeakyProject : public Project {
 public:
  LeakyProject() {
    SoundRevision();
    Leak("mood");
  }
  void Leak(const std::string& type, const std::string& header = "") const {
    Revision("r2", "r1", "CREATE TYPE " + type + " AS ENUM ('fine');\nCREATE TABLE felt (how " + type + ");",
             "DROP TABLE felt;", header);
  }
  void Mend() const { Revision("r2", "r1", "CREATE TYPE mood AS ENUM ('fine');", "DROP TYPE mood;"); }
};

// As the JSON reporter shows them: "law revision outcome".
std::vector<std::string> Outcomes(const ProgramRun& run) {
  std::vector<std::string> lines;
  const json report = json::parse(run.out);
  for (const auto& verdict : report.at("verdicts")) {
    lines.push_back(fmt::format("{} {} {}", verdict.at("law").get<std::string>(),
                                verdict.at("revision").get<std::string>(), verdict.at("outcome").get<std::string>()));
  }
  return lines;
}

TEST(ExitStatus, IsZeroWhereAllHeld) {
  const Project project;
  project.SoundRevision();
  const ProgramRun run = project.Verify();
  EXPECT_EQ(run.status, 0) << run;
  EXPECT_EQ(run.err, "");
}

TEST(ExitStatus, IsOneWhereSomethingIsFalsified) {
  const LeakyProject project;
  const ProgramRun run = project.Verify();
  EXPECT_EQ(run.status, 1) << run;
  EXPECT_THAT(run.out, HasSubstr("+ enum public.mood"));
}

TEST(ExitStatus, IsTwoWhereNothingWasChecked) {
  const Project project;
  project.SoundRevision();
  const ProgramRun run = project.Verify({"--law=schema_fidelity"});
  EXPECT_EQ(run.status, 2) << run;
  EXPECT_THAT(run.out, HasSubstr("nothing was checked"));
}

constexpr const char* kNoSuchExtension = "CREATE EXTENSION nowhere_to_be_found;";

TEST(ExitStatus, IsTwoWhereAnExtensionIsMissing) {
  const Project project;
  project.SoundRevision();
  project.Revision("r2", "r1", kNoSuchExtension, "DROP EXTENSION nowhere_to_be_found;");
  project.Revision("r3", "r2", "CREATE TABLE u (id int);", "DROP TABLE u;");
  const ProgramRun run = project.Verify({"--report=json", "--law=round_trip"});
  EXPECT_EQ(run.status, 2) << run;
  EXPECT_THAT(Outcomes(run), ElementsAre("round_trip r1 held", "round_trip r2 skipped", "round_trip r3 skipped",
                                         "round_trip  skipped"));
  EXPECT_THAT(run.out, HasSubstr("extension 'nowhere_to_be_found' is not available"));
}

TEST(Before, MayGiveTheDatabaseSettings) {
  const Project project;
  const std::string before = project.Write("before.sql",
                                           "CREATE SCHEMA app; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET "
                                           "search_path = app', current_database()); END $$;");
  project.Revision("r1", "", "CREATE TABLE t (id int PRIMARY KEY);", "DROP TABLE t;");
  project.Revision("r2", "r1", "ALTER TABLE app.t ADD w int;", "ALTER TABLE t DROP w;");
  const ProgramRun run = project.Verify({"--before", before, "--law=upgrade_succeeds", "--law=round_trip"});
  EXPECT_EQ(run.status, 0) << run;
}

TEST(ExitStatus, IsTwoWhereAFileThatComesBeforeFails) {
  const Project project;
  project.SoundRevision();
  const ProgramRun run = project.Verify({"--before", project.Write("before.sql", "SELECT nowhere_to_be_found();")});
  EXPECT_EQ(run.status, 2) << run;
  EXPECT_EQ(run.out, "");
  EXPECT_THAT(run.err, HasSubstr("before.sql:1"));
}

TEST(ExitStatus, IsTwoWhereAFileThatComesBeforeWantsAMissingExtension) {
  const Project project;
  project.SoundRevision();
  const std::string before = project.Write("before.sql", kNoSuchExtension);
  const ProgramRun run = project.Verify({"--report=json", "--law=round_trip", "--before", before});
  EXPECT_EQ(run.status, 2) << run;
  EXPECT_THAT(Outcomes(run), ElementsAre("round_trip r1 skipped", "round_trip  skipped"));
  EXPECT_THAT(run.out, HasSubstr("extension 'nowhere_to_be_found' is not available on this server (needed by "));
}

TEST(ExitStatus, IsTwoWhereAnExtensionThatIsThereFails) {
  const Project project;
  project.SoundRevision();
  // As an extension's own script would: an internal error, though nothing is missing.
  const std::string before = project.Write("before.sql", R"sql(
CREATE FUNCTION fail() RETURNS event_trigger LANGUAGE plpgsql AS
  $$BEGIN RAISE EXCEPTION 'something broke within' USING ERRCODE = 'XX000'; END$$;
CREATE EVENT TRIGGER fail ON ddl_command_start WHEN TAG IN ('CREATE EXTENSION') EXECUTE FUNCTION fail();
CREATE EXTENSION hstore;
)sql");
  const ProgramRun run = project.Verify({"--report=json", "--law=round_trip", "--before", before});
  EXPECT_EQ(run.status, 2) << run;
  EXPECT_EQ(run.out, "");
  EXPECT_THAT(run.err, HasSubstr("something broke within"));
}

TEST(ExitStatus, IsOneWhereOneThingIsFalsifiedAndAnotherSkipped) {
  const LeakyProject project;
  project.Revision("r3", "r2", kNoSuchExtension, "DROP EXTENSION nowhere_to_be_found;");
  const ProgramRun run = project.Verify({"--report=json", "--law=round_trip"});
  EXPECT_EQ(run.status, 1) << run;
  EXPECT_THAT(Outcomes(run), ElementsAre("round_trip r1 held", "round_trip r2 falsified", "round_trip r3 skipped",
                                         "round_trip  skipped"));
}

class Expectation : public testing::Test {
 protected:
  static json Blessed() {
    const LeakyProject project;
    EXPECT_EQ(project.Verify({"--expect=known.json", "--bless"}).status, 0);
    return json::parse(std::ifstream(project.path() / "known.json"));
  }
  static const json& Known() {
    static const json known = Blessed();
    return known;
  }

  // With a known answer that was changed by hand.
  ProgramRun VerifyWith(const json& known, std::vector<std::string> arguments = {}) const {
    project_.Write("known.json", known.dump());
    arguments.emplace_back("--expect=known.json");
    return project_.Verify(arguments);
  }

  const LeakyProject project_;
  json known_ = Known();
};

TEST_F(Expectation, IsMetByWhatWasBlessed) {
  const ProgramRun run = VerifyWith(known_);
  EXPECT_EQ(run.status, 0) << run;
  EXPECT_THAT(run.out, HasSubstr("as expected by known.json"));
}

TEST_F(Expectation, IsNotMetByFewerFindings) {
  project_.Mend();
  const ProgramRun run = VerifyWith(known_);
  EXPECT_EQ(run.status, 1) << run;
  EXPECT_THAT(run.out, HasSubstr("round_trip r2: outcome is 'held', expected 'falsified'"));
}

TEST_F(Expectation, IsNotMetByMoreFindings) {
  known_["expected"].erase(0);
  const ProgramRun run = VerifyWith(known_);
  EXPECT_EQ(run.status, 1) << run;
  EXPECT_THAT(run.out, HasSubstr("round_trip r2: is falsified, expected held"));
}

TEST_F(Expectation, IsNotMetByOtherDrift) {
  project_.Leak("temper");
  const ProgramRun run = VerifyWith(known_);
  EXPECT_EQ(run.status, 1) << run;
  EXPECT_THAT(run.out, HasSubstr("round_trip r2: expected, but not found: + enum public.mood"));
  EXPECT_THAT(run.out, HasSubstr("round_trip r2: found, but not expected: + enum public.temper"));
}

TEST_F(Expectation, IsNotMetByAnotherOutcome) {
  known_["expected"][0]["outcome"] = "error";
  EXPECT_EQ(VerifyWith(known_).status, 1);
}

TEST_F(Expectation, IsNotMetWhereNobodyLooked) {
  const ProgramRun run = VerifyWith(known_, {"--law=upgrade_succeeds"});
  EXPECT_EQ(run.status, 1) << run;
  EXPECT_THAT(run.out, HasSubstr("round_trip r2: expected falsified, but nobody looked"));
  EXPECT_EQ(VerifyWith({{"expected", json::array()}}, {"--law=schema_fidelity"}).status, 2) << "nothing was checked";
}

TEST_F(Expectation, IsBlessedOnlyWhereItIsNamed) {
  const ProgramRun run = project_.Verify({"--bless"});
  EXPECT_EQ(run.status, 2);
  EXPECT_THAT(run.err, HasSubstr("--expect"));
}

// What the report prints behind "accept:", by law and revision; the shell words after the name left out.
std::string FindingNameIn(const ProgramRun& run, const std::string& unit) {
  const std::size_t at = run.out.find("migproof accept " + unit);
  if (at == std::string::npos) return "";
  std::istringstream words(run.out.substr(at));
  std::string name;
  for (int i = 0; i < 3; ++i) words >> name;
  return name;
}

std::vector<std::string> NamesOfFindings() {
  const LeakyProject project;
  const ProgramRun run = project.Verify();
  std::vector<std::string> names;
  for (const char* unit : {"round_trip:r2#", "round_trip:#"}) names.push_back(FindingNameIn(run, unit));
  EXPECT_THAT(names, Not(testing::Contains("")));
  return names;
}

class Waivers : public testing::Test {
 protected:
  static const std::vector<std::string>& Names() {
    static const std::vector<std::string> names = NamesOfFindings();
    return names;
  }

  ProgramRun Accept(const std::string& name, const std::string& until) const {
    return project_.Run({"accept", name, "the type is shared", "--until", until});
  }

  const LeakyProject project_;
  const std::vector<std::string> names_ = Names();
};

TEST_F(Waivers, CoverWhatWasAccepted) {
  EXPECT_EQ(Accept(names_[0], "2999-12-31").status, 0);
  EXPECT_EQ(project_.Verify().status, 1) << "the history as a whole is not covered";
  EXPECT_EQ(Accept(names_[1], "2999-12-31").status, 0);
  const ProgramRun run = project_.Verify();
  EXPECT_EQ(run.status, 0) << run;
  EXPECT_THAT(run.out, HasSubstr("2 waived"));
}

TEST_F(Waivers, DoNotCoverAnotherFaultOfTheSameRevision) {
  for (const std::string& name : names_) Accept(name, "2999-12-31");
  project_.Leak("temper");
  const ProgramRun run = project_.Verify();
  EXPECT_EQ(run.status, 1) << run;
  for (const std::string& name : names_) EXPECT_THAT(run.out, HasSubstr(name + " covers nothing"));
}

TEST_F(Waivers, ThatCoverNothingAnyMoreAreSaid) {
  for (const std::string& name : names_) Accept(name, "2999-12-31");
  project_.Mend();
  const ProgramRun run = project_.Verify();
  EXPECT_EQ(run.status, 0) << run;
  EXPECT_THAT(run.out, HasSubstr(names_[0] + " covers nothing"));
}

TEST_F(Waivers, ThatExpiredCoverNothing) {
  json waivers = {{"waivers", json::array()}};
  for (const std::string& name : names_) {
    waivers["waivers"].push_back({{"finding", name}, {"why", "until the move"}, {"until", "2001-01-31"}});
  }
  project_.Write("migproof-waivers.json", waivers.dump());
  const ProgramRun run = project_.Verify();
  EXPECT_EQ(run.status, 1) << run;
  EXPECT_THAT(run.out, HasSubstr(names_[0] + " expired on 2001-01-31"));
}

TEST_F(Waivers, AreNotTakenWithoutReasonDayOrName) {
  EXPECT_EQ(Accept(names_[0], "2001-01-31").status, 2);
  EXPECT_EQ(Accept(names_[0], "tomorrow").status, 2);
  EXPECT_EQ(Accept("round_trip:r2", "2999-12-31").status, 2);
  EXPECT_EQ(project_.Run({"accept", names_[0], "", "--until", "2999-12-31"}).status, 2);
  EXPECT_FALSE(std::filesystem::exists(project_.path() / "migproof-waivers.json"));
}

json NotesOf(const ProgramRun& run) { return json::parse(run.out).at("notes"); }

// r2 leaves a namespace that was perhaps there before it.
class Declarations : public testing::Test {
 protected:
  Declarations() { project_.SoundRevision(); }

  void Declare(const std::string& header) const {
    project_.Revision("r2", "r1", "CREATE SCHEMA IF NOT EXISTS shared;\nCREATE TABLE shared.felt (id int);",
                      "DROP TABLE shared.felt;", header);
  }

  const Project project_;
};

TEST_F(Declarations, ThatExcuseALeftoverMakeItANote) {
  Declare("-- migproof: leaves namespace shared \"others use it\"");
  const ProgramRun run = project_.Verify({"--report=json"});
  EXPECT_EQ(run.status, 0) << run;
  EXPECT_THAT(NotesOf(run), IsEmpty());
  EXPECT_THAT(run.out, HasSubstr("left as declared: + namespace shared"));
}

TEST_F(Declarations, ThatNeverOccurAreSaid) {
  Declare("-- migproof: leaves namespace shared\n-- migproof: leaves table shared.felt");
  const ProgramRun run = project_.Verify({"--report=json"});
  EXPECT_EQ(run.status, 0) << run;
  const std::string note = "migrations/r2.sql:4: 'r2' declares 'leaves table shared.felt', which never occurs";
  EXPECT_EQ(NotesOf(run), json({note}));
  EXPECT_THAT(project_.Verify().out, HasSubstr("note: " + note));
}

TEST_F(Declarations, OfTheConfigurationCountToo) {
  Declare("");
  project_.Write("migproof.json", R"({"declarations": {"r1": ["leaves table t"], "r2": ["leaves namespace shared"]}})");
  const ProgramRun run = project_.Verify({"--report=json"});
  EXPECT_EQ(run.status, 0) << run;
  EXPECT_EQ(NotesOf(run), json({"migproof.json: 'r1' declares 'leaves table t', which never occurs"}));
}

// r1 makes orders, r2 does something to them that it assumes something for.
class DeclaredAssumption : public testing::Test {
 protected:
  DeclaredAssumption() {
    project_.Revision("r1", "",
                      "CREATE TABLE orders (id int PRIMARY KEY, note text, amount int);\nCREATE TABLE others (id int);",
                      "DROP TABLE orders, others;");
  }

  void Second(const std::string& upgrade, const std::string& downgrade, const std::string& assumed) const {
    project_.Revision("r2", "r1", upgrade, downgrade, "-- migproof: assumes orders: " + assumed);
  }

  // By default the laws that an assumption may excuse something from.
  json Verify(const std::vector<std::string>& laws = {"assumption_safety", "data_preservation", "round_trip",
                                                      "upgrade_succeeds"},
              const std::string& revision = "r2") const {
    std::vector<std::string> arguments = {"--report=json", "--revision=" + revision};
    for (const std::string& law : laws) arguments.push_back("--law=" + law);
    return json::parse(project_.Verify(arguments).out);
  }

  static json VerdictOf(const json& report, const std::string& law) {
    for (const auto& verdict : report.at("verdicts")) {
      if (verdict.at("law") == law && verdict.at("revision") == "r2") return verdict;
    }
    return {};
  }

  const Project project_;
};

constexpr const char* kHarmless =
    "migrations/r2.sql:3: 'r2' declares 'assumes orders: amount > 0', and rows that break it do no harm";

TEST_F(DeclaredAssumption, ThatNothingNeedsIsStale) {
  Second("ALTER TABLE orders ADD COLUMN paid boolean;", "ALTER TABLE orders DROP COLUMN paid;", "amount > 0");
  const json report = Verify();
  EXPECT_EQ(VerdictOf(report, "assumption_safety").at("outcome"), "held");
  EXPECT_EQ(report.at("notes"), json({kHarmless}));
  // Told only where every law looked that could need it.
  EXPECT_THAT(Verify({"assumption_safety"}).at("notes"), IsEmpty());
  EXPECT_THAT(Verify({"upgrade_succeeds", "round_trip"}).at("notes"), IsEmpty());
}

TEST_F(DeclaredAssumption, ThatKeepsTheUpgradeFromBeingRefusedIsNotStale) {
  Second("ALTER TABLE orders ADD CHECK (amount > 0);", "ALTER TABLE orders DROP CONSTRAINT orders_amount_check;",
         "amount > 0");
  const json report = Verify();
  EXPECT_EQ(VerdictOf(report, "assumption_safety").at("outcome"), "held");
  EXPECT_GT(VerdictOf(report, "assumption_safety").at("exercised").at("upgrades refused"), 5);
  EXPECT_THAT(report.at("notes"), IsEmpty());
}

TEST_F(DeclaredAssumption, ThatKeepsTheDowngradeFromLosingSomethingIsNotStale) {
  Second("UPDATE orders SET note = note;\nALTER TABLE orders ALTER COLUMN amount TYPE bigint;",
         "ALTER TABLE orders ALTER COLUMN amount TYPE int USING abs(amount);", "amount > 0");
  const json report = Verify();
  EXPECT_EQ(VerdictOf(report, "assumption_safety").at("outcome"), "held");
  EXPECT_EQ(VerdictOf(report, "round_trip").at("outcome"), "held");
  EXPECT_THAT(report.at("notes"), IsEmpty());
}

TEST_F(DeclaredAssumption, ThatAnEarlierRevisionMayNeedIsNotStale) {
  Second("ALTER TABLE orders ADD CHECK (amount > 0) NOT VALID;",
         "ALTER TABLE orders DROP CONSTRAINT orders_amount_check;", "amount > 0");
  project_.Revision("r3", "r2", "ALTER TABLE orders ADD COLUMN paid boolean;", "ALTER TABLE orders DROP COLUMN paid;",
                    "-- migproof: assumes orders: note IS NOT NULL");
  EXPECT_THAT(Verify({"assumption_safety", "data_preservation", "round_trip", "upgrade_succeeds"}, "r3").at("notes"),
              IsEmpty());
}

TEST_F(DeclaredAssumption, ThatNoRowCanBreakIsNotHeld) {
  project_.Revision("r1", "", "CREATE TABLE orders (id int PRIMARY KEY, note text, amount int CHECK (amount > 0));",
                    "DROP TABLE orders;");
  Second("ALTER TABLE orders ALTER COLUMN amount TYPE bigint;", "ALTER TABLE orders ALTER COLUMN amount TYPE int;",
         "amount > 0");
  const json report = Verify({"assumption_safety", "upgrade_succeeds"});
  const json verdict = VerdictOf(report, "assumption_safety");
  EXPECT_EQ(verdict.at("outcome"), "gave_up");
  EXPECT_EQ(verdict.at("reason"),
            "no row that breaks 'orders: amount > 0' was tried: none could be made that keeps to the CHECKs of "
            "public.orders: orders_amount_check");
  EXPECT_EQ(report.at("summary").at("exit_status"), 2);
}

TEST_F(DeclaredAssumption, ThatCannotBeEvaluatedIsNotHeld) {
  Second("ALTER TABLE orders ADD COLUMN paid boolean;", "ALTER TABLE orders DROP COLUMN paid;", "paid");
  const json verdict = VerdictOf(Verify({"assumption_safety"}), "assumption_safety");
  EXPECT_EQ(verdict.at("outcome"), "gave_up");
  EXPECT_THAT(verdict.at("reason").get<std::string>(), HasSubstr("column \"paid\" does not exist (SQLSTATE 42703)"));
}

TEST_F(DeclaredAssumption, AboutATableThatIsNotThereYetIsNotApplicable) {
  project_.Revision("r2", "r1", "CREATE TABLE parts (id int);", "DROP TABLE parts;",
                    "-- migproof: assumes parts: id > 0");
  const json report = Verify();
  EXPECT_EQ(VerdictOf(report, "assumption_safety").at("outcome"), "not_applicable");
  EXPECT_EQ(report.at("notes").size(), 1U) << report.at("notes");
  project_.Revision("r2", "r1", "CREATE TABLE parts (id int);", "DROP TABLE parts;");
  EXPECT_EQ(VerdictOf(Verify(), "assumption_safety").at("reason"), "assumes nothing");
}

TEST(DeclaredOwnership, OfATableThatNothingWritesIsStale) {
  const Project project;
  project.SoundRevision();
  project.Revision("r2", "r1", "CREATE TABLE settings (id int);", "DROP TABLE settings;",
                   "-- migproof: owns setings\n-- migproof: owns settings");
  const ProgramRun run = project.Verify({"--report=json", "--law=upgrade_succeeds"});
  EXPECT_EQ(NotesOf(run),
            json({"migrations/r2.sql:3: 'r2' declares 'owns setings', and no statement of the history writes to it",
                  "migrations/r2.sql:4: 'r2' declares 'owns settings', and no statement of the history writes to it"}));
  project.Revision("r3", "r2", "INSERT INTO settings VALUES (1);", "DELETE FROM settings;");
  EXPECT_EQ(NotesOf(project.Verify({"--report=json", "--law=upgrade_succeeds"})).size(), 1U);
}

TEST(DeclaredRequirement, ThatEverySupportedServerMeetsIsStale) {
  const Project project;
  project.SoundRevision();
  project.Revision("r2", "r1", "CREATE TABLE u (id int);", "DROP TABLE u;",
                   "-- migproof: requires server >= 13\n-- migproof: requires server >= 14");
  const ProgramRun run = project.Verify({"--report=json", "--law=upgrade_succeeds"});
  EXPECT_EQ(
      NotesOf(run),
      json({"migrations/r2.sql:3: 'r2' declares 'requires server >= 13', and every supported server meets that"}));
}

}  // namespace
}  // namespace migproof
