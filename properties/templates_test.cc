// The templates for CI services: each is parsed, and each command in it is one that the program takes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "ci/project.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;
using testing::IsSupersetOf;

std::vector<fs::path> Templates() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(MIGPROOF_SOURCE_DIR) / "ci/templates")) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string TextOfTemplate(const fs::path& file) {
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

TEST(Templates, AreYamlWithoutDuplicateKeys) {
  ProgramOptions options;
  options.program = "python3";
  const std::string program = R"(
import sys, yaml
class Strict(yaml.SafeLoader):
    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep) for key, _ in node.value]
        if len(keys) != len(set(map(str, keys))): sys.exit(f'{node.start_mark}: a key is there twice')
        return super().construct_mapping(node, deep)
for file in sys.argv[1:]:
    with open(file) as text:
        if not yaml.load(text, Strict): sys.exit(f'{file} is empty')
)";
  if (RunProgram({"-c", "import yaml"}, options).status != 0) GTEST_SKIP() << "python3-yaml is not installed";
  std::vector<std::string> arguments = {"-c", program};
  for (const fs::path& file : Templates()) arguments.push_back(file.string());
  ASSERT_GE(arguments.size(), 7U);
  const ProgramRun run = RunProgram(arguments, options);
  EXPECT_EQ(run.status, 0) << run;
}

TEST(Templates, UseOnlyFlagsThatThereAre) {
  const Project project;
  const std::regex flag("(--[a-z][a-z-]*)");
  const auto flags_in = [&](const std::string& text) {
    std::set<std::string> flags;
    for (std::sregex_iterator found(text.begin(), text.end(), flag), end; found != end; ++found) {
      flags.insert((*found)[1]);
    }
    return flags;
  };
  const std::set<std::string> known =
      flags_in(project.Run({"verify", "--help"}).out + project.Run({"report", "merge", "--help"}).out);
  EXPECT_THAT(known, testing::Contains("--git-base"));
  for (const fs::path& file : Templates()) {
    std::istringstream text(TextOfTemplate(file));
    for (std::string line; std::getline(text, line);) {
      if (line.find("git config") != std::string::npos) continue;
      EXPECT_THAT(known, IsSupersetOf(flags_in(line.substr(0, line.find(" #"))))) << file << ": " << line;
    }
  }
}

// What a branch or a file is called must not become a part of a script.
TEST(Templates, PasteNothingIntoScripts) {
  for (const fs::path& file : Templates()) {
    std::istringstream text(TextOfTemplate(file));
    bool script = false;
    std::size_t indent = 0;
    for (std::string line; std::getline(text, line);) {
      const std::size_t at = std::min(line.find_first_not_of(' '), line.size());
      if (script && !line.empty() && at <= indent) script = false;
      if (line.find("run:") != std::string::npos) {
        script = true;
        indent = at;
      }
      EXPECT_FALSE(script && line.find("${{") != std::string::npos) << file << ": " << line;
    }
  }
}

}  // namespace
}  // namespace migproof
