#include "harness/cli/git.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "migrations/error.h"

namespace migproof {

namespace {

constexpr unsigned kGitTimeoutSeconds = 120;

std::string WholeOf(int fd) {
  std::string text(static_cast<std::size_t>(std::max<off_t>(0, lseek(fd, 0, SEEK_END))), '\0');
  const ssize_t got = pread(fd, text.data(), text.size(), 0);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, got)));
  close(fd);
  return text;
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

std::vector<std::filesystem::path> PathsIn(const std::string& text) {
  std::vector<std::filesystem::path> paths;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\0', at), text.size());
    paths.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return paths;
}

}  // namespace

GitDirectory::GitDirectory(std::filesystem::path directory) : directory_(std::move(directory)) {
  const Output found = Run({"rev-parse", "--show-prefix"});
  if (found.status == 127) throw Error(ErrorKind::kUsage, "there is no program 'git'");
  if (found.status != 0) {
    throw Error(ErrorKind::kUsage,
                fmt::format("'{}' is in no git work tree: {}", directory_.string(), FirstLine(found.err)));
  }
  prefix_ = FirstLine(found.out);
  top_ = FirstLine(Ask({"rev-parse", "--show-toplevel"}));
}

std::string GitDirectory::Commit(const std::string& ref) const {
  const Output found = Run({"rev-parse", "--verify", "--quiet", "--end-of-options", ref + "^{commit}"});
  if (found.status != 0 || ref.starts_with('-')) {
    throw Error(ErrorKind::kUsage, fmt::format("git knows no commit '{}'", ref))
        .WithHint("fetch it first: 'git fetch origin main', and then --git-base origin/main");
  }
  return FirstLine(found.out);
}

std::string GitDirectory::MergeBase(const std::string& commit) const {
  const Output found = Run({"merge-base", commit, "HEAD"});
  if (found.status != 0) {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' and HEAD have no common ancestor here", commit))
        .WithHint("is this a shallow clone? 'git fetch --unshallow', or fetch-depth: 0 in a GitHub workflow");
  }
  return FirstLine(found.out);
}

void GitDirectory::Export(const std::string& commit, const std::filesystem::path& target) const {
  std::filesystem::create_directories(target);
  const std::string tree = commit + ":" + prefix_;
  if (Run({"rev-parse", "--verify", "--quiet", tree}).status != 0) return;  // it was not there yet
  const std::filesystem::path index = target.string() + ".index";
  Ask({"read-tree", tree}, index);
  // From below the top it would write what is below the same path only.
  Ask({"-C", top_, "checkout-index", "--all", "--quiet",
       "--prefix=" + std::filesystem::absolute(target).string() + "/"},
      index);
  std::filesystem::remove(index);
}

std::vector<std::filesystem::path> GitDirectory::ChangedSince(const std::string& commit) const {
  auto changed = PathsIn(Ask({"diff", "--name-only", "--no-renames", "--relative", "-z", commit, "--", "."}));
  for (auto& path : PathsIn(Ask({"ls-files", "--others", "--exclude-standard", "-z", "--", "."}))) {
    changed.push_back(std::move(path));
  }
  std::sort(changed.begin(), changed.end());
  return changed;
}

GitDirectory::Output GitDirectory::Run(const std::vector<std::string>& arguments,
                                       const std::filesystem::path& index) const {
  const int out = memfd_create("git", MFD_CLOEXEC);
  const int err = memfd_create("git", MFD_CLOEXEC);
  const std::string index_file = index.empty() ? "" : std::filesystem::absolute(index).string();
  std::vector<std::string> words = {"git", "-c", "core.quotePath=false", "-c", "core.fsmonitor=false"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    // A hook of git's own runs with these; here the directory decides.
    for (const char* name : {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"}) unsetenv(name);  // NOLINT
    setenv("LC_ALL", "C", 1);                                                                              // NOLINT
    setenv("GIT_OPTIONAL_LOCKS", "0", 1);                                                                  // NOLINT
    if (!index_file.empty()) setenv("GIT_INDEX_FILE", index_file.c_str(), 1);                              // NOLINT
    alarm(kGitTimeoutSeconds);
    if (chdir(directory_.c_str()) == 0) execvp("git", argv.data());
    _exit(errno == ENOENT ? 127 : 126);
  }
  int status = 0;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const int code = child < 0 ? 126 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return {code, WholeOf(out), WholeOf(err)};
}

std::string GitDirectory::Ask(const std::vector<std::string>& arguments, const std::filesystem::path& index) const {
  Output answer = Run(arguments, index);
  if (answer.status != 0) {
    throw Error(ErrorKind::kUsage,
                fmt::format("'git {}' fails: {}", arguments[arguments[0] == "-C" ? 2 : 0], FirstLine(answer.err)));
  }
  return std::move(answer.out);
}

}  // namespace migproof
