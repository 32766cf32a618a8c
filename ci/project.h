// A directory with a native history in it, for one test.
//
//   Project project;
//   project.Revision("r1", "", "CREATE TABLE t (id int);", "DROP TABLE t;");
//   EXPECT_EQ(project.Run({"verify"}).status, 0);
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ci/program.h"
#include "ci/temp_directory.h"

namespace migproof {

class Project {
 public:
  Project() { std::filesystem::create_directory(path() / "migrations"); }

  const std::filesystem::path& path() const { return directory_.path(); }

  std::filesystem::path Write(const std::filesystem::path& name, const std::string& text) const {
    return directory_.Write(name, text);
  }

  // migrations/<id>.sql; `header` holds further lines above the upgrade, and no downgrade is none.
  void Revision(const std::string& id, const std::string& parents, const std::string& upgrade,
                const std::optional<std::string>& downgrade, const std::string& header = "") const {
    std::string text = fmt::format("-- migproof: revision {}\n", id);
    if (!parents.empty()) text += fmt::format("-- migproof: parents {}\n", parents);
    if (!header.empty()) text += header + "\n";
    text += fmt::format("-- migproof: upgrade\n{}\n", upgrade);
    if (downgrade) text += fmt::format("-- migproof: downgrade\n{}\n", *downgrade);
    Write("migrations/" + id + ".sql", text);
  }

  // One revision that keeps every law.
  void SoundRevision() const { Revision("r1", "", "CREATE TABLE t (id int PRIMARY KEY);", "DROP TABLE t;"); }

  ProgramRun Run(const std::vector<std::string>& arguments, ProgramOptions options = {}) const {
    options.directory = path();
    return RunProgram(arguments, options);
  }

  ProgramRun Verify(std::vector<std::string> arguments = {}, ProgramOptions options = {}) const {
    arguments.insert(arguments.begin(), "verify");
    return Run(arguments, std::move(options));
  }

 private:
  TempDirectory directory_;
};

}  // namespace migproof
