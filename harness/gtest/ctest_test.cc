// The package as a project uses it: installed, found by CMake, and run by ctest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "ci/program.h"
#include "ci/temp_directory.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

const fs::path kExample = fs::path(MIGPROOF_SOURCE_DIR) / "fixtures" / "examples" / "cmake";

// The example project, built once for all tests of this program, which change it only by files of their own.
class ShopProject {
 public:
  ShopProject() {
    fs::copy(kExample, source(), fs::copy_options::recursive);
    Tool("cmake", {"--install", MIGPROOF_BUILD_DIR, "--prefix", prefix()});
    Tool("cmake", {"-S", source(), "-B", build(), "-DCMAKE_PREFIX_PATH=" + prefix().string()});
    Tool("cmake", {"--build", build()});
  }

  fs::path prefix() const { return directory_.path() / "prefix"; }
  fs::path source() const { return directory_.path() / "shop"; }
  fs::path build() const { return directory_.path() / "build"; }

  ProgramRun Ctest(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--test-dir", build().string()});
    return Run("ctest", arguments);
  }

  // `variables` come on top of an environment without shards.
  static ProgramRun Run(const fs::path& program, const std::vector<std::string>& arguments,
                        std::map<std::string, std::optional<std::string>> variables = {}) {
    variables.try_emplace("GTEST_TOTAL_SHARDS", std::nullopt);
    variables.try_emplace("GTEST_SHARD_INDEX", std::nullopt);
    return RunProgram(arguments, {.environment = variables, .program = program, .deadline_seconds = 600});
  }

 private:
  static void Tool(const std::string& name, const std::vector<std::string>& arguments) {
    const ProgramRun run = Run(name, arguments);
    if (run.status != 0) throw std::runtime_error(name + " failed\n" + run.out + run.err);
  }

  TempDirectory directory_;
};

const ShopProject& Shop() {
  static const ShopProject shop;
  return shop;
}

TEST(Ctest, EveryLawAndRevisionIsATestThatSharesOneServer) {
  const ProgramRun run = Shop().Ctest({"-j2"});
  EXPECT_EQ(run.status, 0) << run;
  EXPECT_THAT(run.out, HasSubstr("shop.round_trip.r2"));
  EXPECT_THAT(run.out, HasSubstr("shop_laws.times_know_their_zone.r1"));
  EXPECT_THAT(run.out, HasSubstr("shop.server_start"));
  EXPECT_FALSE(fs::exists(Shop().build() / "migproof-shop.server")) << "the server is still kept";
}

TEST(Ctest, WhatCannotBeCheckedByNatureIsSkippedNotPassed) {
  const ProgramRun run = Shop().Ctest({"-R", "shop.round_trip.r3"});
  EXPECT_EQ(run.status, 0) << run;
  EXPECT_THAT(run.out, ::testing::ContainsRegex("shop.round_trip.r3 [.]+[*]+Skipped")) << run;
}

TEST(Ctest, ANameSelects) {
  const ProgramRun run = Shop().Ctest({"-N", "-R", "round_trip"});
  EXPECT_THAT(run.out, HasSubstr("shop.round_trip.r1"));
  EXPECT_THAT(run.out, Not(HasSubstr("upgrade_succeeds")));
}

TEST(Ctest, ALabelSelectsALaw) {
  const ProgramRun run = Shop().Ctest({"-N", "-L", "times_know_their_zone"});
  EXPECT_THAT(run.out, HasSubstr("shop_laws.times_know_their_zone.r2"));
  EXPECT_THAT(run.out, Not(HasSubstr("round_trip")));
}

TEST(Ctest, RevisionsInCxxAreVerifiedAsOneTestForEachLaw) {
  const ProgramRun run = Shop().Ctest({"-R", "shop_audit", "-V"});
  EXPECT_EQ(run.status, 0) << run;
  EXPECT_THAT(run.out, HasSubstr("shop_audit.round_trip"));
  EXPECT_THAT(run.out, HasSubstr("round_trip.a2"));
}

// A file of the project that is there as long as this is.
class ExtraFile {
 public:
  ExtraFile(fs::path file, const std::string& text) : file_(std::move(file)) { std::ofstream(file_) << text; }
  ~ExtraFile() { fs::remove(file_); }
  ExtraFile(const ExtraFile&) = delete;
  ExtraFile& operator=(const ExtraFile&) = delete;

 private:
  fs::path file_;
};

constexpr const char* kBroken = R"(-- migproof: revision r4
-- migproof: parents r3
-- migproof: upgrade
ALTER TABLE orders ADD COLUMN seen_at timestamp;
CREATE INDEX orders_seen_idx ON orders (seen_at);
CREATE TABLE leftover (id int PRIMARY KEY);
-- migproof: downgrade
ALTER TABLE orders DROP COLUMN seen_at;
)";

TEST(Ctest, ABrokenMigrationFailsItsTestsAndNoOthers) {
  const ExtraFile broken(Shop().source() / "migrations" / "r4_seen.sql", kBroken);
  const ProgramRun run = Shop().Ctest({"-E", "shop_audit|the_history", "--output-on-failure"});
  EXPECT_NE(run.status, 0);
  EXPECT_THAT(run.out, HasSubstr("+ table public.leftover")) << run;
  EXPECT_THAT(run.out, HasSubstr("public.orders.seen_at is timestamp without time zone"));
  EXPECT_THAT(run.out, HasSubstr("shop.round_trip.r4 (Failed)"));
  EXPECT_THAT(run.out, HasSubstr("shop_laws.times_know_their_zone.r4 (Failed)"));
  EXPECT_THAT(run.out, Not(HasSubstr("r2 (Failed)")));
}

TEST(Ctest, AHistoryThatCannotBeReadFailsOneTestThatSaysWhy) {
  const ExtraFile broken(Shop().source() / "migrations" / "r4_orphan.sql",
                         "-- migproof: revision r4\n-- migproof: parents r9\n-- migproof: upgrade\nSELECT 1;\n");
  const ProgramRun run = Shop().Ctest({"-R", "^shop[.]", "--output-on-failure"});
  EXPECT_NE(run.status, 0);
  EXPECT_THAT(run.out, HasSubstr("revision 'r4' names parent 'r9'")) << run;
}

std::set<std::string> TestsRun(const std::string& output) {
  std::set<std::string> names;
  const std::regex line(R"(\[ RUN      \] (\S+))");
  for (std::sregex_iterator at(output.begin(), output.end(), line); at != std::sregex_iterator(); ++at) {
    EXPECT_TRUE(names.insert((*at)[1]).second) << (*at)[1] << " ran twice";
  }
  return names;
}

TEST(MigproofGtest, FourShardsAreTheWhole) {
  const fs::path program = Shop().prefix() / "bin" / "migproof-gtest";
  const std::vector<std::string> arguments = {
      "--config",        (Shop().source() / "migproof.json").string(), "--cases", "2", "--law", "round_trip", "--law",
      "upgrade_succeeds"};
  const std::set<std::string> whole = TestsRun(ShopProject::Run(program, arguments).out);
  EXPECT_EQ(whole.size(), 7U);
  std::string parts;
  for (int shard = 0; shard < 4; ++shard) {
    const ProgramRun run = ShopProject::Run(
        program, arguments, {{"GTEST_TOTAL_SHARDS", "4"}, {"GTEST_SHARD_INDEX", std::to_string(shard)}});
    EXPECT_EQ(run.status, 0) << run;
    parts += run.out;
  }
  EXPECT_EQ(TestsRun(parts), whole);
}

TEST(MigproofGtest, XmlCarriesTheFinding) {
  const ExtraFile broken(Shop().source() / "migrations" / "r4_seen.sql", kBroken);
  const fs::path xml = Shop().build() / "result.xml";
  const ProgramRun run = ShopProject::Run(Shop().prefix() / "bin" / "migproof-gtest",
                                          {"--config", (Shop().source() / "migproof.json").string(), "--cases", "0",
                                           "--gtest_filter=round_trip.r4", "--gtest_output=xml:" + xml.string()});
  EXPECT_EQ(run.status, 1) << run;
  std::stringstream text;
  text << std::ifstream(xml).rdbuf();
  EXPECT_THAT(text.str(), HasSubstr("+ table public.leftover"));
}

TEST(MigproofGtest, UnknownFlagsAreRefusedWithTheNearName) {
  const ProgramRun run = ShopProject::Run(Shop().prefix() / "bin" / "migproof-gtest", {"--konfig", "x"});
  EXPECT_EQ(run.status, 2) << run;
  EXPECT_THAT(run.err, HasSubstr("takes no '--konfig'"));
  EXPECT_THAT(run.err, HasSubstr("did you mean '--config'?"));
}

TEST(MigproofGtest, AFilterThatLeavesNothingIsNoPass) {
  const ProgramRun run =
      ShopProject::Run(Shop().prefix() / "bin" / "migproof-gtest",
                       {"--config", (Shop().source() / "migproof.json").string(), "--gtest_filter=round_trip.r77"});
  EXPECT_EQ(run.status, 2) << run;
  EXPECT_THAT(run.err, HasSubstr("nothing was looked at"));
}

}  // namespace
}  // namespace migproof
