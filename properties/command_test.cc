// What every command says of itself, and what is listed: names as registered.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "ci/project.h"
#include "harness/postgres/provider.h"
#include "harness/report/reporter.h"
#include "harness/verify/property.h"
#include "migrations/format.h"

namespace migproof {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<std::string> Lines(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The first words of the lines below "Subcommands:".
std::vector<std::string> Commands() {
  const ProgramRun help = RunProgram({"--help"});
  EXPECT_EQ(help.status, 0) << help;
  const std::size_t at = help.out.find("Subcommands:\n");
  if (at == std::string::npos) return {};
  std::vector<std::string> commands;
  for (const std::string& line : Lines(help.out.substr(at + 13))) {
    if (line.starts_with("  ")) commands.push_back(line.substr(2, line.find(' ', 2) - 2));
  }
  return commands;
}

TEST(Command, IsExplained) {
  const std::vector<std::string> commands = Commands();
  EXPECT_THAT(commands, testing::IsSupersetOf({"verify", "accept", "list", "catalog", "drift", "upgrade", "downgrade",
                                               "stamp", "current", "heads", "history", "show", "check-history", "init",
                                               "revision", "merge"}));
  for (const std::string& command : commands) {
    const ProgramRun help = RunProgram({command, "--help"});
    EXPECT_EQ(help.status, 0) << command << help;
    EXPECT_EQ(help.err, "") << command;
    EXPECT_THAT(help.out, HasSubstr("Usage: migproof " + command)) << command;
    // Every option has a text: one that has none ends with its name or its type.
    for (const std::string& line : Lines(help.out)) {
      EXPECT_TRUE(!line.starts_with("  -") || line.size() > 30) << command << ": " << line;
    }
  }
}

TEST(Command, TellsItsVersion) {
  const ProgramRun run = RunProgram({"--version"});
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.out, testing::MatchesRegex("migproof [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

template <typename Interface>
void ExpectListed(const std::string& what) {
  const ProgramRun run = RunProgram({"list", what});
  EXPECT_EQ(run.status, 0) << run;
  std::vector<std::string> names;
  for (const std::string& line : Lines(run.out)) {
    names.push_back(line.substr(0, line.find(' ')));
    EXPECT_GT(line.size(), 30U) << "no description: " << line;
  }
  EXPECT_THAT(names, ElementsAreArray(Registry<Interface>::Names()));
}

TEST(Command, ListsWhatIsRegistered) {
  ExpectListed<Property>("laws");
  ExpectListed<Format>("formats");
  ExpectListed<Provider>("providers");
  ExpectListed<Reporter>("reporters");
}

TEST(Command, WritesNoColourIntoAPipe) {
  const Project project;
  project.SoundRevision();
  EXPECT_EQ(project.Verify().out.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace migproof
