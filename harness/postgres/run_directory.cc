#include "harness/postgres/run_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "harness/postgres/token.h"
#include "migrations/error.h"

namespace migproof {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRunPrefix = "migproof.";
constexpr int kRunTokenDigits = 12;
constexpr const char* kSharedMemory = "/dev/shm";
// A server with a handful of clones; /dev/shm of a container often holds 64 MB only.
constexpr std::uint64_t kMinimumFreeBytes = 256ULL << 20;
constexpr int kKillTimeoutMs = 5'000;

// Whether `name` is one that RunDirectory makes.
bool IsOurs(const std::string& name) {
  return name.size() == kRunPrefix.size() + kRunTokenDigits && name.compare(0, kRunPrefix.size(), kRunPrefix) == 0 &&
         name.find_first_not_of("0123456789abcdef", kRunPrefix.size()) == std::string::npos;
}

bool IsRoomyTmpfs(const char* path) {
  struct statfs info {};
  if (statfs(path, &info) != 0 || info.f_type != TMPFS_MAGIC || access(path, W_OK | X_OK) != 0) return false;
  return static_cast<std::uint64_t>(info.f_bavail) * static_cast<std::uint64_t>(info.f_bsize) >= kMinimumFreeBytes;
}

bool FitsSocket(const std::string& base) {
  const std::size_t length = base.size() + 1 + kRunPrefix.size() + kRunTokenDigits + std::strlen("/.s.PGSQL.5432");
  return length < sizeof(sockaddr_un::sun_path);
}

// What postmaster.pid says: PostgreSQL's miscadmin.h, LOCK_FILE_LINE_*.
struct LockFile {
  pid_t pid = 0;
  int shared_memory_id = -1;
};

LockFile ReadLockFile(const std::string& data) {
  std::ifstream in(data + "/postmaster.pid");
  LockFile found;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (number == 1) found.pid = static_cast<pid_t>(std::strtol(line.c_str(), nullptr, 10));
    unsigned long key = 0;
    if (number == 7) std::sscanf(line.c_str(), "%lu %d", &key, &found.shared_memory_id);
  }
  return found;
}

// Whether `pid` is a process at work in `data`: a number in a file proves nothing.
bool WorksIn(pid_t pid, const std::string& data) {
  std::error_code failed;
  const fs::path cwd = fs::read_symlink(fmt::format("/proc/{}/cwd", pid), failed);
  return !failed && cwd == data;
}

void KillAndWait(pid_t pid, const std::string& data) {
  if (pid <= 1 || !WorksIn(pid, data)) return;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kKillTimeoutMs);
  kill(pid, SIGQUIT);
  while (WorksIn(pid, data) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (WorksIn(pid, data)) kill(pid, SIGKILL);
}

void RemoveSharedMemory(int id, uid_t owner) {
  shmid_ds info{};
  if (id < 0 || shmctl(id, IPC_STAT, &info) != 0) return;
  if (info.shm_perm.uid == owner && info.shm_nattch == 0) shmctl(id, IPC_RMID, nullptr);
}

// -1 when somebody else holds it, or it is no longer there.
int LockDirectory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return -1;
  struct stat opened {};
  struct stat named {};
  if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &opened) == 0 && stat(path.c_str(), &named) == 0 &&
      opened.st_ino == named.st_ino && opened.st_dev == named.st_dev) {
    return fd;
  }
  close(fd);
  return -1;
}

void RemoveTree(const std::string& path) {
  std::error_code failed;
  fs::remove_all(path, failed);
}

void SweepOne(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return;
  if (geteuid() != 0 && info.st_uid != geteuid()) return;
  const int lock = LockDirectory(path);
  if (lock < 0) return;
  RunDirectory::EndServer(path);
  RemoveTree(path);
  close(lock);
}

}  // namespace

RunDirectory::RunDirectory(const std::string& base, const ServerUser& user) {
  // A sweeper may come between mkdir and lock: then another name is as good.
  for (int attempt = 0; attempt < 100 && lock_ < 0; ++attempt) {
    path_ = fmt::format("{}/{}{}", base, kRunPrefix, RandomToken(kRunTokenDigits));
    if (mkdir(path_.c_str(), 0700) != 0) {
      throw Error(ErrorKind::kServer, fmt::format("can't make a directory in '{}': {}", base, std::strerror(errno)));
    }
    lock_ = LockDirectory(path_);
  }
  if (lock_ < 0) throw Error(ErrorKind::kServer, fmt::format("can't lock a directory in '{}'", base));
  if (user.switched && chown(path_.c_str(), user.uid, user.gid) != 0) {
    const std::string why = std::strerror(errno);
    RemoveTree(path_);
    throw Error(ErrorKind::kServer, fmt::format("can't give '{}' to user '{}': {}", path_, user.name, why));
  }
}

RunDirectory::~RunDirectory() {
  RemoveTree(path_);
  close(lock_);
}

std::string RunDirectory::ChooseBase(const std::string& wanted) {
  if (!wanted.empty()) {
    if (!FitsSocket(wanted)) {
      throw Error(ErrorKind::kServer,
                  fmt::format("'{}' is too long: the path of a socket in there would have more than {} bytes", wanted,
                              sizeof(sockaddr_un::sun_path) - 1))
          .WithHint("take a directory with a shorter path");
    }
    return wanted;
  }
  if (IsRoomyTmpfs(kSharedMemory)) return kSharedMemory;
  std::error_code failed;
  const std::string temporary = fs::temp_directory_path(failed);
  return failed || !FitsSocket(temporary) ? "/tmp" : temporary;
}

void RunDirectory::SweepStale(const std::string& base) {
  std::error_code failed;
  for (const fs::directory_entry& entry : fs::directory_iterator(base, failed)) {
    if (IsOurs(entry.path().filename())) SweepOne(entry.path());
  }
}

void RunDirectory::EndServer(const std::string& path) {
  const std::string data = path + "/data";
  struct stat info {};
  if (stat(data.c_str(), &info) != 0) return;
  const LockFile found = ReadLockFile(data);
  KillAndWait(found.pid, data);
  RemoveSharedMemory(found.shared_memory_id, info.st_uid);
}

}  // namespace migproof
