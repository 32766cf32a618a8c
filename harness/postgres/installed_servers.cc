#include "harness/postgres/installed_servers.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "harness/postgres/child.h"
#include "harness/postgres/server_package.h"
#include "harness/postgres/server_user.h"
#include "harness/postgres/token.h"
#include "harness/postgres/watchdog.h"
#include "migrations/error.h"

namespace migproof {

namespace {

namespace fs = std::filesystem;

// No digit comes first, so nobody takes it for a major.
constexpr std::string_view kStagingPrefix = ".install-";
constexpr int kStagingTokenDigits = 12;
// Says that a directory is InstallServer's, and what was put there.
constexpr const char* kReceipt = "migproof-package.json";
constexpr const char* kPackageDirectory = "package/native";
constexpr const char* kLinksFile = "pg-symlinks.json";
constexpr const char* kLinksBase = "native/";
// The tarball and what comes out of it, with room to spare.
constexpr std::uint64_t kNeededBytes = 192ULL << 20;
constexpr int kUnpackTimeoutMs = 300'000;
constexpr int kStagingTimeoutMs = kUnpackTimeoutMs + 30'000;

Error CantWrite(const std::string& path, int code) {
  return Error(ErrorKind::kServer, fmt::format("can't write '{}': {}", path, std::strerror(code)))
      .WithHint("--cache or MIGPROOF_CACHE name another directory");
}

// Works in a directory beside the servers, in a process that outlives us.
class StagingDuty : public WatchdogDuty {
 public:
  explicit StagingDuty(std::string path) : path_(std::move(path)) {}

  std::string Answer(const std::string& request) override {
    if (request == "make") {
      std::error_code failed;
      if (!fs::create_directory(path_, failed)) throw CantWrite(path_, failed.value());
      return "";
    }
    const ChildResult result = RunToEnd(
        {"tar", "-xmzf", path_ + "/tarball", "-C", path_, "--no-same-owner", kPackageDirectory}, kUnpackTimeoutMs);
    if (result.exit_code != 0) {
      throw Error(ErrorKind::kServer, fmt::format("tar can't unpack the package below '{}': {}", path_,
                                                  result.output.substr(0, result.output.find('\n'))));
    }
    return "";
  }

  void CleanUp() override {
    std::error_code failed;
    fs::remove_all(path_, failed);
  }

 private:
  std::string path_;
};

class Staging {
 public:
  explicit Staging(const std::string& root)
      : path_(fmt::format("{}/{}{}", root, kStagingPrefix, RandomToken(kStagingTokenDigits))),
        watchdog_(std::make_unique<StagingDuty>(path_)) {
    watchdog_.Ask("make", kStagingTimeoutMs);
  }

  // The directory that holds bin, lib and share.
  std::string Unpack(const std::string& tarball) {
    const std::string file = path_ + "/tarball";
    std::ofstream out(file, std::ios::binary);
    errno = 0;
    out.write(tarball.data(), static_cast<std::streamsize>(tarball.size()));
    out.close();
    if (!out) throw CantWrite(file, errno == 0 ? EIO : errno);
    watchdog_.Ask("unpack", kStagingTimeoutMs);
    return path_ + "/" + kPackageDirectory;
  }

 private:
  std::string path_;
  Watchdog watchdog_;
};

// Keeps other installations out for as long as it lives; makes the directory where it is missing.
class RootLock {
 public:
  explicit RootLock(const std::string& root) {
    std::error_code failed;
    fs::create_directories(root, failed);
    if (failed) throw CantWrite(root, failed.value());
    fd_ = open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd_ < 0 || flock(fd_, LOCK_EX) != 0) throw CantWrite(root, errno);
  }
  ~RootLock() { close(fd_); }
  RootLock(const RootLock&) = delete;
  RootLock& operator=(const RootLock&) = delete;

 private:
  int fd_ = -1;
};

// What an end of the machine has left. To be called under the lock.
void SweepStagings(const std::string& root) {
  std::error_code failed;
  for (const fs::directory_entry& entry : fs::directory_iterator(root, failed)) {
    if (entry.path().filename().string().rfind(kStagingPrefix, 0) == 0) fs::remove_all(entry.path(), failed);
  }
}

void ExpectRoom(const std::string& root) {
  struct statvfs info {};
  if (statvfs(root.c_str(), &info) != 0) return;
  const std::uint64_t free = static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
  if (free >= kNeededBytes) return;
  throw Error(ErrorKind::kServer,
              fmt::format("'{}' has {} MB of room, and a server takes up to {}", root, free >> 20, kNeededBytes >> 20))
      .WithHint("--cache or MIGPROOF_CACHE name another directory");
}

// "native/lib/libpq.so" as a path below the server's directory; Error(server) for one that leads out of it.
fs::path WithinServer(const std::string& named) {
  const fs::path path = fs::path(named).lexically_normal();
  if (named.rfind(kLinksBase, 0) == 0 && path.string().rfind(kLinksBase, 0) == 0) {
    return path.lexically_relative(kLinksBase);
  }
  throw Error(ErrorKind::kServer,
              fmt::format("the package's {} names '{}', which is none of its files", kLinksFile, named));
}

// npm packages can't hold symbolic links: this one lists them.
void MakeLinks(const fs::path& server) {
  std::ifstream in(server / kLinksFile);
  if (!in) return;
  const nlohmann::json links = nlohmann::json::parse(in, nullptr, false);
  try {
    for (const auto& link : links) {
      const fs::path target = WithinServer(link.at("source"));
      const fs::path place = WithinServer(link.at("target"));
      std::error_code failed;
      fs::remove(server / place, failed);
      fs::create_symlink(target.lexically_relative(place.parent_path()), server / place, failed);
      if (failed) throw CantWrite(server / place, failed.value());
    }
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorKind::kServer, fmt::format("the package's {} can't be understood", kLinksFile));
  }
}

// Every user may read it, whatever our umask is: servers run as another one.
void OpenToAll(const fs::path& server) {
  fs::permissions(server, fs::perms(0755));
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(server)) {
    if (entry.is_symlink()) continue;
    const bool runs = entry.is_directory() || (entry.status().permissions() & fs::perms::owner_exec) != fs::perms::none;
    fs::permissions(entry.path(), fs::perms(runs ? 0755 : 0644));
  }
}

void WriteReceipt(const fs::path& server, const ServerPackage& package, const std::string& version) {
  const nlohmann::json receipt = {{"package", package.name},
                                  {"package_version", package.version},
                                  {"integrity", package.integrity},
                                  {"version", version}};
  std::ofstream out(server / kReceipt);
  out << receipt.dump(2) << '\n';
  out.close();
  if (!out) throw CantWrite(server / kReceipt, ENOSPC);
}

// What was installed at `server`; empty where that was not us.
nlohmann::json ReceiptOf(const fs::path& server) {
  std::ifstream in(server / kReceipt);
  const nlohmann::json receipt = in ? nlohmann::json::parse(in, nullptr, false) : nlohmann::json::object();
  return receipt.is_object() ? receipt : nlohmann::json::object();
}

// Puts `server` in the place of `place`; what was there stands where `server` stood.
void PutInPlace(const std::string& server, const std::string& place) {
  if (!fs::exists(place)) {
    if (rename(server.c_str(), place.c_str()) != 0) throw CantWrite(place, errno);
    return;
  }
  if (renameat2(AT_FDCWD, server.c_str(), AT_FDCWD, place.c_str(), RENAME_EXCHANGE) == 0) return;
  // File systems that can't exchange: there is a moment without a server, but none with half of one.
  const std::string old = server + ".old";
  if (rename(place.c_str(), old.c_str()) != 0 || rename(server.c_str(), place.c_str()) != 0) {
    throw CantWrite(place, errno);
  }
}

std::string MajorIn(const std::string& version) { return version.substr(0, version.find('.')); }

bool IsMajor(const std::string& text) {
  return !text.empty() && text.size() <= 4 &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

// Where a server's programs find its extensions: as Debian has it, and as it is built from source.
std::vector<fs::path> ExtensionDirectories(const Binaries& binaries) {
  const fs::path prefix = fs::path(binaries.directory).parent_path();
  return {prefix / "share/postgresql/extension", prefix / "share/extension",
          fmt::format("/usr/share/postgresql/{}/extension", binaries.major)};
}

void LookForExtensions(ServerPlace& place) {
  for (const fs::path& directory : ExtensionDirectories(place.binaries)) {
    std::error_code failed;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory, failed)) {
      place.extensions += entry.path().extension() == ".control";
    }
    if (place.extensions == 0) continue;
    place.contrib = fs::exists(directory / "hstore.control") && fs::exists(directory / "pg_trgm.control");
    return;
  }
}

}  // namespace

InstalledServer InstallServer(const std::string& wanted, const StartOptions& options, const std::string& registry) {
  const ServerUser user = FindServerUser();
  const std::string root = InstallRoot(options, user);
  const ServerPackage package = FindServerPackage(wanted, registry);
  const RootLock lock(root);
  SweepStagings(root);
  const std::string major = MajorIn(package.version);
  const std::string place = root + "/" + major;
  if (const nlohmann::json receipt = ReceiptOf(place); receipt.value("integrity", "") == package.integrity) {
    return {{place + "/bin", std::stoi(major)}, receipt.value("version", package.version), false};
  }
  if (fs::exists(place) && ReceiptOf(place).empty()) {
    throw Error(ErrorKind::kServer, fmt::format("'{}' is there already, and 'servers install' has not made it", place))
        .WithHint("take it away, or name another directory: --cache, MIGPROOF_CACHE");
  }
  ExpectRoom(root);
  Staging staging(root);
  const std::string server = staging.Unpack(FetchServerPackage(package));
  MakeLinks(server);
  OpenToAll(server);
  const std::string version = ServerVersion(server + "/bin");
  if (MajorIn(version) != major) {
    throw Error(ErrorKind::kServer, fmt::format("{} {} holds PostgreSQL {}", package.name, package.version, version));
  }
  WriteReceipt(server, package, version);
  PutInPlace(server, place);
  return {{place + "/bin", std::stoi(major)}, version, true};
}

bool RemoveServer(const std::string& major, const StartOptions& options) {
  if (!IsMajor(major)) {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' is not a PostgreSQL major version", major))
        .WithHint("a number, as in 'migproof servers remove 17'");
  }
  for (const std::string& root : InstalledRoots(options)) {
    const std::string place = root + "/" + major;
    if (ReceiptOf(place).empty()) continue;
    const RootLock lock(root);
    const std::string aside = fmt::format("{}/{}{}", root, kStagingPrefix, RandomToken(kStagingTokenDigits));
    if (rename(place.c_str(), aside.c_str()) != 0) throw CantWrite(place, errno);
    SweepStagings(root);
    return true;
  }
  return false;
}

std::vector<ServerPlace> ServersThere(const StartOptions& options) {
  const ServerUser user = FindServerUser();
  std::vector<ServerPlace> places;
  for (const Binaries& binaries : AllBinaries(options)) {
    ServerPlace place{.binaries = binaries};
    place.installed = !ReceiptOf(fs::path(binaries.directory).parent_path()).empty();
    try {
      place.version = ServerVersion(binaries.directory);
    } catch (const Error& error) {
      place.version = std::to_string(binaries.major);
      place.problem = error.message();
    }
    if (!CanEnter(binaries.directory, user)) {
      place.problem = fmt::format("user '{}', as which servers run, can't enter it", user.name);
    }
    LookForExtensions(place);
    places.push_back(std::move(place));
  }
  std::stable_sort(places.begin(), places.end(),
                   [](const ServerPlace& a, const ServerPlace& b) { return a.binaries.major < b.binaries.major; });
  return places;
}

}  // namespace migproof
