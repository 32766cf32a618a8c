#include "harness/postgres/kept_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/postgres/process_identity.h"
#include "migrations/error.h"

namespace migproof {

namespace {

constexpr int kKeeperStopTimeoutMs = 30'000;

int OpenProcess(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

nlohmann::json ToJson(const KeptServer& server) {
  return {{"keeper", server.keeper},
          {"identity", IdentityOf(server.keeper)},
          {"ends_with", server.ends_with},
          {"conninfo", server.conninfo},
          {"description", server.description}};
}

// Nobody else's eyes: where it listens is nobody else's business.
void WritePrivately(const std::filesystem::path& file, const std::string& text) {
  const std::string fresh = file.string() + ".new";
  unlink(fresh.c_str());
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const bool written = fd >= 0 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int problem = errno;
  if (fd >= 0) close(fd);
  if (!written || rename(fresh.c_str(), file.c_str()) != 0) {
    throw Error(ErrorKind::kUsage, fmt::format("can't write '{}': {}", file.string(), std::strerror(problem)));
  }
}

// Whether a process that reads `file` would come to this keeper.
bool FileNames(const std::filesystem::path& file, pid_t keeper) {
  std::ifstream in(file);
  const nlohmann::json document = nlohmann::json::parse(in, nullptr, false);
  return document.is_object() && document.value("keeper", 0) == keeper;
}

// In the keeper: holds a server until it is told to stop, or `ends_with` ends. What it says first goes to `report`:
// "" once the file is there, else what went wrong.
void Keep(const ServerSpec& spec, const StartOptions& options, KeptServer kept, int ends_with,
          const std::filesystem::path& file, int report) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  const auto say = [&](std::string text) {
    text += '\n';
    [[maybe_unused]] const ssize_t sent = write(report, text.data(), text.size());
    close(report);
  };
  std::unique_ptr<Server> server;
  try {
    server = spec.Start(options);
    kept.keeper = getpid();
    kept.conninfo = server->Conninfo("postgres");
    kept.description = server->Description();
    WritePrivately(file, ToJson(kept).dump() + "\n");
  } catch (const Error& error) {
    say(nlohmann::json{{"message", error.message()}, {"hint", error.hint()}}.dump());
    return;
  } catch (const std::exception& error) {
    say(nlohmann::json{{"message", error.what()}, {"hint", ""}}.dump());
    return;
  }
  say("{}");
  const int signalled = signalfd(-1, &signals, SFD_CLOEXEC);
  pollfd wakers[] = {{signalled, POLLIN, 0}, {ends_with, POLLIN, 0}};
  while (poll(wakers, 2, -1) < 0 && errno == EINTR) {
  }
  if (FileNames(file, getpid())) unlink(file.c_str());
  server.reset();
}

std::string ReadAll(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t count = 0; (count = read(fd, buffer, sizeof buffer)) != 0;) {
    if (count > 0) text.append(buffer, static_cast<std::size_t>(count));
    if (count < 0 && errno != EINTR) break;
  }
  return text;
}

// Becomes a process that no terminal, pipe or wait of the caller's is tied to.
void Detach() {
  setsid();
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nothing, fd);
  close(nothing);
}

}  // namespace

KeptServer KeepServer(const ServerSpec& spec, const StartOptions& options, pid_t ends_with,
                      const std::filesystem::path& file) {
  if (spec.provider == "existing") {
    throw Error(ErrorKind::kUsage, "a server that is there already can't be started")
        .WithHint("name it where it is used: --postgres existing:URL");
  }
  const std::filesystem::path path = std::filesystem::absolute(file);
  const int end = OpenProcess(ends_with);
  if (end < 0) throw Error(ErrorKind::kUsage, fmt::format("there is no process {} to end with", ends_with));
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) throw Error(ErrorKind::kServer, "no pipe can be made");
  const KeptServer kept{.ends_with = ends_with};
  const pid_t between = fork();
  if (between == 0) {  // its child is an orphan at once: nobody has to reap the keeper
    if (fork() == 0) {
      Detach();
      close(report[0]);
      Keep(spec, options, kept, end, path, report[1]);
    }
    _exit(0);
  }
  close(report[1]);
  close(end);
  if (between > 0) waitpid(between, nullptr, 0);
  const std::string said = ReadAll(report[0]);
  close(report[0]);
  const nlohmann::json document = nlohmann::json::parse(said, nullptr, false);
  if (!document.is_object()) throw Error(ErrorKind::kServer, "the process that keeps the server ended early");
  if (document.contains("message")) {
    throw Error(ErrorKind::kServer, document.at("message").get<std::string>())
        .WithHint(document.at("hint").get<std::string>());
  }
  return ReadKeptServer(path);
}

KeptServer ReadKeptServer(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' names no server: it is not there", file.string()))
        .WithHint(fmt::format("migproof servers start --state {}", file.string()));
  }
  const nlohmann::json document = nlohmann::json::parse(in, nullptr, false);
  KeptServer server;
  std::string identity;
  try {
    identity = document.at("identity").get<std::string>();
    server.keeper = document.at("keeper").get<pid_t>();
    server.ends_with = document.at("ends_with").get<pid_t>();
    server.conninfo = document.at("conninfo").get<std::string>();
    server.description = document.at("description").get<std::string>();
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' does not say where a server is", file.string()))
        .WithHint("it is written by 'migproof servers start --state'");
  }
  if (PresenceOf(identity) != Presence::kAlive) {
    throw Error(ErrorKind::kServer, fmt::format("the server that '{}' names is gone", file.string()))
        .WithHint(fmt::format("migproof servers start --state {}", file.string()));
  }
  return server;
}

bool StopKeptServer(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return false;
  KeptServer server;
  try {
    server = ReadKeptServer(file);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kServer) throw;
    std::filesystem::remove(file);
    return false;
  }
  const int keeper = OpenProcess(server.keeper);
  if (keeper < 0) return false;
  kill(server.keeper, SIGTERM);
  pollfd end{keeper, POLLIN, 0};
  const bool ended = poll(&end, 1, kKeeperStopTimeoutMs) == 1;
  close(keeper);
  if (!ended) {
    throw Error(ErrorKind::kServer,
                fmt::format("the server of '{}' does not stop within {} ms", file.string(), kKeeperStopTimeoutMs));
  }
  return true;
}

}  // namespace migproof
