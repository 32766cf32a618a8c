#include "harness/postgres/binaries.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

#include "harness/postgres/child.h"
#include "migrations/error.h"

namespace migproof {

namespace {

namespace fs = std::filesystem;

constexpr int kVersionTimeoutMs = 10'000;
constexpr const char* kDebianVersions = "/usr/lib/postgresql";
constexpr const char* kSharedCache = "/var/cache/migproof";

std::string EnvironmentText(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? "" : value;
}

bool IsExecutable(const std::string& path) { return access(path.c_str(), X_OK) == 0 && !fs::is_directory(path); }

bool HoldsServer(const std::string& directory) {
  return IsExecutable(directory + "/postgres") && IsExecutable(directory + "/initdb");
}

int MajorOf(const std::string& version) { return std::atoi(version.c_str()); }

// <root>/<major>/bin, newest first.
void AddVersions(const std::string& root, std::vector<Binaries>& found) {
  std::error_code failed;
  std::vector<Binaries> versions;
  for (const fs::directory_entry& entry : fs::directory_iterator(root, failed)) {
    const int major = MajorOf(entry.path().filename());
    const std::string directory = entry.path() / "bin";
    if (major > 0 && HoldsServer(directory)) versions.push_back({directory, major});
  }
  std::sort(versions.begin(), versions.end(), [](const Binaries& a, const Binaries& b) { return a.major > b.major; });
  found.insert(found.end(), versions.begin(), versions.end());
}

// Programs in PATH that are links to some of `found` (as Debian's are) are no further ones.
void AddPath(std::vector<Binaries>& found) {
  std::set<fs::path> known;
  for (const Binaries& binaries : found) known.insert(fs::canonical(binaries.directory + "/postgres"));
  std::istringstream path(EnvironmentText("PATH"));
  for (std::string directory; std::getline(path, directory, ':');) {
    if (directory.empty() || !HoldsServer(directory)) continue;
    const fs::path program = fs::canonical(directory + "/postgres");
    if (!known.insert(program).second) continue;
    const std::string real = program.parent_path();
    found.push_back({HoldsServer(real) ? real : directory, MajorOf(ServerVersion(directory))});
  }
}

Binaries GivenBinaries(const std::string& directory) {
  if (!HoldsServer(directory)) {
    throw Error(ErrorKind::kServer, fmt::format("'{}' does not hold the programs postgres and initdb", directory))
        .WithHint("name the directory that they are in, such as /usr/lib/postgresql/15/bin");
  }
  return {fs::absolute(directory).lexically_normal(), MajorOf(ServerVersion(directory))};
}

std::string Majors(const std::vector<Binaries>& found) {
  std::string text;
  for (const Binaries& binaries : found) text += fmt::format("{}{}", text.empty() ? "" : ", ", binaries.major);
  return text.empty() ? "none" : text;
}

Error NoBinaries(const std::string& major, const std::vector<Binaries>& found, const StartOptions& options) {
  const std::string which = major.empty() ? "" : " " + major;
  return Error(ErrorKind::kServer,
               fmt::format("no PostgreSQL{} server found in PATH, {}/*/bin or {}/*/bin (found: {})", which,
                           kDebianVersions, fmt::join(InstalledRoots(options), "/*/bin, "), Majors(found)))
      .WithHint(major.empty() ? "apt-get install postgresql, or: migproof servers install 17"
                              : fmt::format("migproof servers install {0}, or: apt-get install postgresql-{0}", major));
}

// A directory that all users share is root's, or ours: nobody else is trusted with programs that we run.
bool MayHoldPrograms(const std::string& root) {
  struct stat info {};
  return root.rfind(kSharedCache, 0) != 0 ||
         (stat(root.c_str(), &info) == 0 && (info.st_uid == 0 || info.st_uid == geteuid()));
}

}  // namespace

bool CanEnter(const std::string& directory, const ServerUser& user) {
  if (!user.switched) return true;
  fs::path so_far;
  for (const fs::path& part : fs::path(directory)) {
    so_far /= part;
    struct stat info {};
    if (stat(so_far.c_str(), &info) != 0) return errno == ENOENT;
    const mode_t bit = info.st_uid == user.uid ? S_IXUSR : info.st_gid == user.gid ? S_IXGRP : S_IXOTH;
    if ((info.st_mode & bit) == 0) return false;
  }
  return true;
}

std::vector<Binaries> AllBinaries(const StartOptions& options) {
  std::vector<Binaries> found;
  AddVersions(kDebianVersions, found);
  AddPath(found);
  const auto newer = [](const Binaries& a, const Binaries& b) { return a.major > b.major; };
  std::stable_sort(found.begin(), found.end(), newer);
  const auto own = static_cast<std::ptrdiff_t>(found.size());
  for (const std::string& root : InstalledRoots(options)) {
    if (MayHoldPrograms(root)) AddVersions(root, found);
  }
  std::stable_sort(found.begin() + own, found.end(), newer);
  return found;
}

std::vector<int> MajorsThere(const StartOptions& options, const ServerUser& user) {
  std::set<int> majors;
  for (const Binaries& binaries : AllBinaries(options)) {
    if (CanEnter(binaries.directory, user)) majors.insert(binaries.major);
  }
  return {majors.begin(), majors.end()};
}

std::vector<std::string> InstalledRoots(const StartOptions& options) {
  const std::string own = CacheDirectory(options);
  if (own == kSharedCache) return {own + "/postgres"};
  return {own + "/postgres", std::string(kSharedCache) + "/postgres"};
}

std::string InstallRoot(const StartOptions& options, const ServerUser& user) {
  const std::string own = CacheDirectory(options) + "/postgres";
  if (CanEnter(own, user)) return own;
  const bool chosen = !options.cache_directory.empty() || !EnvironmentText("MIGPROOF_CACHE").empty();
  if (!chosen) return std::string(kSharedCache) + "/postgres";
  throw Error(ErrorKind::kServer, fmt::format("user '{}', as which servers run, can't enter '{}'", user.name, own))
      .WithHint("name a cache directory that every user may enter, or none: then it is /var/cache/migproof");
}

Binaries FindBinaries(const std::string& major, const StartOptions& options, const ServerUser& user) {
  if (!std::all_of(major.begin(), major.end(), [](unsigned char c) { return std::isdigit(c) != 0; }) ||
      major.size() > 4) {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' is not a PostgreSQL major version", major))
        .WithHint("a number, as in local:15");
  }
  const std::vector<Binaries> found =
      options.binaries.empty() ? AllBinaries(options) : std::vector<Binaries>{GivenBinaries(options.binaries)};
  const Binaries* out_of_reach = nullptr;
  for (const Binaries& binaries : found) {
    if (!major.empty() && binaries.major != MajorOf(major)) continue;
    if (CanEnter(binaries.directory, user)) return binaries;
    out_of_reach = &binaries;
  }
  if (out_of_reach != nullptr) {
    throw Error(ErrorKind::kServer, fmt::format("user '{}', as which the server runs, can't enter '{}'", user.name,
                                                out_of_reach->directory))
        .WithHint("install PostgreSQL where every user may read it");
  }
  if (!options.binaries.empty()) {
    throw Error(ErrorKind::kServer,
                fmt::format("'{}' holds PostgreSQL {}, not {}", found[0].directory, found[0].major, major));
  }
  throw NoBinaries(major, found, options);
}

std::string CacheDirectory(const StartOptions& options) {
  if (!options.cache_directory.empty()) return options.cache_directory;
  if (const std::string own = EnvironmentText("MIGPROOF_CACHE"); !own.empty()) return own;
  if (const std::string xdg = EnvironmentText("XDG_CACHE_HOME"); !xdg.empty()) return xdg + "/migproof";
  if (const std::string home = EnvironmentText("HOME"); !home.empty()) return home + "/.cache/migproof";
  std::error_code failed;
  const fs::path temporary = fs::temp_directory_path(failed);
  return fmt::format("{}/migproof-cache-{}", failed ? "/tmp" : temporary.string(), geteuid());
}

std::string ServerVersion(const std::string& directory) {
  const ChildResult result = RunToEnd({directory + "/postgres", "--version"}, kVersionTimeoutMs);
  const std::size_t digits = result.output.find_first_of("0123456789");
  if (result.exit_code != 0 || digits == std::string::npos) {
    throw Error(ErrorKind::kServer, fmt::format("'{}/postgres --version' failed: {}", directory, result.output));
  }
  return result.output.substr(digits, result.output.find_first_of(" \n", digits) - digits);
}

}  // namespace migproof
