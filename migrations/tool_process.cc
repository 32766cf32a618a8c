#include "migrations/tool_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>

#include "migrations/error.h"

extern char** environ;

namespace migproof {

namespace {

constexpr int kCannotRun = 127;
constexpr int kEndTimeoutMs = 2'000;
constexpr int kFirstFd = 3;  // the socket; the program follows

// A file without a name, closed when we run something.
int MemoryFile(const char* name) {
  const int fd = memfd_create(name, MFD_CLOEXEC);
  if (fd < 0) throw Error(ErrorKind::kInternal, fmt::format("can't make a file in memory: {}", std::strerror(errno)));
  return fd;
}

void WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written <= 0) throw Error(ErrorKind::kInternal, "can't write a file in memory");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// In the child: descriptors where the program expects them, then the interpreter.
[[noreturn]] void Become(char* const* argv, char* const* environment, int socket, int program, int output) {
  const int high_socket = fcntl(socket, F_DUPFD, 64);
  const int high_program = fcntl(program, F_DUPFD, 64);
  const int high_output = fcntl(output, F_DUPFD, 64);
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, STDIN_FILENO);
  dup2(high_output, STDOUT_FILENO);
  dup2(high_output, STDERR_FILENO);
  dup2(high_socket, kFirstFd);
  dup2(high_program, kFirstFd + 1);
  close(high_socket);
  close(high_program);
  close(high_output);
  if (null > kFirstFd + 1) close(null);
  for (int signal = 1; signal < NSIG; ++signal) std::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execvpe(argv[0], argv, environment);
  dprintf(STDERR_FILENO, "can't run '%s': %s\n", argv[0], std::strerror(errno));
  _exit(kCannotRun);
}

std::string Upper(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
  return upper;
}

bool NamesDatabase(std::string_view variable) {
  const std::size_t equals = variable.find('=');
  const std::string name = Upper(variable.substr(0, equals));
  const std::string_view value = equals == std::string_view::npos ? "" : variable.substr(equals + 1);
  if (name.rfind("PG", 0) == 0) return true;
  for (const char* word : {"DATABASE", "POSTGRES", "SQLALCHEMY", "DSN", "_URL", "_URI"}) {
    if (name.find(word) != std::string::npos) return true;
  }
  if (name.rfind("DB_", 0) == 0 || name == "URL") return true;
  return value.find("://") != std::string_view::npos || value.find("dbname=") != std::string_view::npos ||
         value.find("host=") != std::string_view::npos;
}

}  // namespace

std::vector<std::string> EnvironmentForTools() {
  std::vector<std::string> kept;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    if (!NamesDatabase(*variable)) kept.emplace_back(*variable);
  }
  return kept;
}

ToolProcess::ToolProcess(const std::string& interpreter, std::string_view program,
                         const std::vector<std::string>& environment)
    : owner_(getpid()) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw Error(ErrorKind::kInternal, "can't make a socket for a tool's process");
  }
  output_ = MemoryFile("output");
  const int code = MemoryFile("program");
  WriteAll(code, program);
  const std::vector<std::string> arguments = {interpreter, fmt::format("/proc/self/fd/{}", kFirstFd + 1),
                                              std::to_string(kFirstFd), std::to_string(kFirstFd)};
  const std::vector<char*> argv = Pointers(arguments);
  const std::vector<char*> envp = Pointers(environment);
  child_ = fork();
  if (child_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != owner_) _exit(kCannotRun);
    Become(argv.data(), envp.data(), ends[1], code, output_);
  }
  close(ends[1]);
  close(code);
  socket_ = ends[0];
  if (child_ < 0) throw Error(ErrorKind::kInternal, "can't start a process for a tool");
}

ToolProcess::~ToolProcess() {
  if (IsOurs()) End();
  if (socket_ >= 0) close(socket_);
  if (output_ >= 0) close(output_);
}

bool ToolProcess::IsOurs() const { return owner_ == getpid(); }

// Its input ends, so it ends; if not in time, it is killed.
void ToolProcess::End() noexcept {
  if (child_ <= 0) return;
  if (socket_ >= 0) shutdown(socket_, SHUT_RDWR);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kEndTimeoutMs);
  int status = 0;
  while (waitpid(child_, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      kill(child_, SIGKILL);
      while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
      }
      break;
    }
    poll(nullptr, 0, 1);
  }
  child_ = 0;
}

void ToolProcess::Send(const std::string& line) {
  for (std::size_t at = 0; at < line.size();) {
    const ssize_t written = send(socket_, line.data() + at, line.size() - at, MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // it has ended: reading its answer says so
    at += static_cast<std::size_t>(written);
  }
}

std::string ToolProcess::ReadLine(int timeout_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  std::size_t newline;
  while ((newline = buffer_.find('\n')) == std::string::npos) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd wait{socket_, POLLIN, 0};
    const int ready = left.count() <= 0 ? 0 : poll(&wait, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) {
      kill(child_, SIGKILL);
      End();
      throw Error(ErrorKind::kServer, fmt::format("the tool's process gave no answer within {} ms and was killed\n{}",
                                                  timeout_ms, Output(10)));
    }
    char chunk[65536];
    const ssize_t got = recv(socket_, chunk, sizeof chunk, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      End();
      throw Error(ErrorKind::kServer, fmt::format("the tool's process has ended\n{}", Output(10)));
    }
    buffer_.append(chunk, static_cast<std::size_t>(got));
  }
  std::string line = buffer_.substr(0, newline);
  buffer_.erase(0, newline + 1);
  return line;
}

nlohmann::json ToolProcess::Greeting(int timeout_ms) {
  const std::string line = ReadLine(timeout_ms);
  try {
    return nlohmann::json::parse(line);
  } catch (const nlohmann::json::parse_error&) {
    throw Error(ErrorKind::kServer, fmt::format("the tool's process answers what is no JSON: {}", line.substr(0, 200)));
  }
}

nlohmann::json ToolProcess::Ask(const nlohmann::json& request, int timeout_ms) {
  Send(request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  return Greeting(timeout_ms);
}

std::string ToolProcess::Output(int lines) const {
  std::string text;
  char chunk[4096];
  for (off_t at = 0;;) {
    const ssize_t got = pread(output_, chunk, sizeof chunk, at);
    if (got <= 0) break;
    text.append(chunk, static_cast<std::size_t>(got));
    at += got;
  }
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::size_t begin = text.size();
  for (int line = 0; line < lines && begin != std::string::npos && begin > 0; ++line) {
    begin = text.rfind('\n', begin - 1);
  }
  return begin == std::string::npos || begin == 0 ? text : text.substr(begin + 1);
}

}  // namespace migproof
