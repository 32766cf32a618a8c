#include "harness/postgres/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "migrations/error.h"

namespace migproof {

namespace {

constexpr int kCannotRun = 127;

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// What a server may inherit: it must not depend on whose terminal started it.
std::vector<std::string> ServerEnvironment() {
  std::vector<std::string> environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"};
  if (const char* libraries = std::getenv("LD_LIBRARY_PATH")) {  // NOLINT(concurrency-mt-unsafe)
    environment.push_back(std::string("LD_LIBRARY_PATH=") + libraries);
  }
  return environment;
}

void ResetSignals() {
  for (int signal = 1; signal < NSIG; ++signal) std::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void ComplainAndExit(const char* what, const char* subject) {
  dprintf(STDERR_FILENO, "%s '%s': %s\n", what, subject, std::strerror(errno));
  _exit(kCannotRun);
}

int Decode(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

// Reads until the end of `fd`; false at the deadline.
bool ReadAll(int fd, int timeout_ms, std::string& text) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  char buffer[4096];
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd wait{fd, POLLIN, 0};
    if (left.count() <= 0 || poll(&wait, 1, static_cast<int>(left.count())) <= 0) return false;
    const ssize_t length = read(fd, buffer, sizeof buffer);
    if (length <= 0) return true;
    text.append(buffer, static_cast<std::size_t>(length));
  }
}

}  // namespace

ChildResult RunToEnd(const std::vector<std::string>& arguments, int timeout_ms) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw Error(ErrorKind::kServer, "can't make a pipe");
  const std::vector<char*> argv = Pointers(arguments);
  const pid_t child = fork();
  if (child == 0) {
    ResetSignals();
    const int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    execvp(argv[0], argv.data());
    ComplainAndExit("can't run", argv[0]);
  }
  close(ends[1]);
  ChildResult result;
  const bool ended = child > 0 && ReadAll(ends[0], timeout_ms, result.output);
  close(ends[0]);
  if (child < 0) return result;
  if (!ended) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (ended) result.exit_code = Decode(status);
  return result;
}

pid_t SpawnAs(const ServerUser& user, const std::vector<std::string>& arguments, const std::string& log) {
  const std::vector<std::string> environment = ServerEnvironment();
  const std::vector<char*> argv = Pointers(arguments);
  const std::vector<char*> envp = Pointers(environment);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) throw Error(ErrorKind::kServer, fmt::format("can't start a process: {}", std::strerror(errno)));
  if (child > 0) return child;
  const int null = open("/dev/null", O_RDONLY);
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(null, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  umask(0077);
  if (!BecomeUser(user)) ComplainAndExit("can't become user", user.name.c_str());
  // After the change of user, which clears it.
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
  if (getppid() != parent) _exit(kCannotRun);
  ResetSignals();
  execve(argv[0], argv.data(), envp.data());
  ComplainAndExit("can't run", argv[0]);
}

}  // namespace migproof
