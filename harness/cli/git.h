// What a git repository knows of a directory, asked through git's own command line. Nothing is written to the
// repository: no index, no ref, no work tree.
//
//   const GitDirectory git("db/migrations");
//   const std::string base = git.MergeBase(git.Commit("origin/main"));
//   git.Export(base, "/tmp/x");                 // the directory as it was then
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace migproof {

class GitDirectory {
 public:
  // Error(usage) where there is no git, or `directory` is not in a work tree.
  explicit GitDirectory(std::filesystem::path directory);

  // The commit that `ref` names. Error(usage) where there is none.
  std::string Commit(const std::string& ref) const;
  // The best common ancestor of `commit` and HEAD. Error(usage) where there is none.
  std::string MergeBase(const std::string& commit) const;
  // Writes the directory as `commit` has it to `target`, which is made. A directory that was not there yet is empty.
  void Export(const std::string& commit, const std::filesystem::path& target) const;
  // The files below the directory, relative to it, that differ between `commit` and the work tree: changed, added,
  // untracked (what is ignored left out), or gone. Sorted.
  std::vector<std::filesystem::path> ChangedSince(const std::string& commit) const;

 private:
  struct Output {
    int status = -1;
    std::string out;
    std::string err;
  };

  Output Run(const std::vector<std::string>& arguments, const std::filesystem::path& index = {}) const;
  // What it said; Error(usage) with git's own words where it fails.
  std::string Ask(const std::vector<std::string>& arguments, const std::filesystem::path& index = {}) const;

  std::filesystem::path directory_;
  std::string top_;     // of the work tree
  std::string prefix_;  // of the directory in its repository: "", "db/migrations/"
};

}  // namespace migproof
