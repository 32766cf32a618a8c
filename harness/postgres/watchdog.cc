#include "harness/postgres/watchdog.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

#include "migrations/error.h"

namespace migproof {

namespace {

constexpr std::size_t kMessageBytes = 64'000;
constexpr int kCleanUpTimeoutMs = 15'000;
constexpr char kFine = '+';
constexpr char kRefused = '-';

Error WatchdogError(const std::string& what, int code) {
  return Error(ErrorKind::kServer, fmt::format("{}: {}", what, std::strerror(code)));
}

// Leaves 0-2 (to /dev/null) and the descriptors in `kept`.
void CloseInherited(std::vector<int> kept) {
  const int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
  std::sort(kept.begin(), kept.end());
  unsigned from = 3;
  for (const int fd : kept) {
    if (fd < 3) continue;
    const auto next = static_cast<unsigned>(fd);
    if (next > from) close_range(from, next - 1, 0);
    from = next + 1;
  }
  close_range(from, ~0U, 0);
}

void ReapChildren(WatchdogDuty& duty) {
  int status = 0;
  while (true) {
    const pid_t child = waitpid(-1, &status, WNOHANG);
    if (child <= 0) return;
    duty.OnChildEnd(child, status);
  }
}

void Serve(WatchdogDuty& duty, int socket, const std::string& request) {
  std::string answer;
  try {
    answer = kFine + duty.Answer(request);
  } catch (const std::exception& e) {
    answer = std::string(1, kRefused) + e.what();
  }
  send(socket, answer.data(), std::min(answer.size(), kMessageBytes), MSG_NOSIGNAL);
}

// Returns when the maker hangs up or is dead.
void Watch(WatchdogDuty& duty, int socket, int maker, int signals) {
  std::string buffer(kMessageBytes, '\0');
  pollfd waits[] = {{socket, POLLIN, 0}, {signals, POLLIN, 0}, {maker, POLLIN, 0}};
  while (true) {
    if (poll(waits, 3, -1) < 0 && errno != EINTR) return;
    if (waits[1].revents != 0) {
      signalfd_siginfo info;
      if (read(signals, &info, sizeof info) > 0) ReapChildren(duty);
    }
    if (waits[2].revents != 0) return;
    if (waits[0].revents == 0) continue;
    const ssize_t length = recv(socket, buffer.data(), buffer.size(), 0);
    if (length <= 0) return;
    ReapChildren(duty);
    Serve(duty, socket, buffer.substr(0, static_cast<std::size_t>(length)));
  }
}

[[noreturn]] void BeWatchdog(WatchdogDuty& duty, int socket, int maker) {
  setsid();
  prctl(PR_SET_NAME, "migproof-watch");
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  CloseInherited({socket, maker});
  if (chdir("/") != 0) _exit(1);
  sigset_t child_ends;
  sigemptyset(&child_ends);
  sigaddset(&child_ends, SIGCHLD);
  const int signals = signalfd(-1, &child_ends, SFD_CLOEXEC);
  try {
    Watch(duty, socket, maker, signals);
    duty.CleanUp();
  } catch (...) {
    _exit(1);
  }
  _exit(0);
}

// True when `fd` has something to read, or has been hung up, within the time.
bool Readable(int fd, int timeout_ms) {
  pollfd wait{fd, POLLIN, 0};
  return poll(&wait, 1, timeout_ms) > 0;
}

}  // namespace

Watchdog::Watchdog(std::unique_ptr<WatchdogDuty> duty) : owner_(getpid()) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    throw WatchdogError("can't make a socket for the watchdog", errno);
  }
  // Readable once we are dead, whoever has inherited our end of the socket. -1 before Linux 5.3: the socket must do.
  const int self = static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0));
  // Blocked before the fork, so that no handler of ours ever runs in the watchdog.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before);
  pid_ = fork();
  if (pid_ == 0) BeWatchdog(*duty, pair[1], self);
  const int code = errno;
  sigprocmask(SIG_SETMASK, &before, nullptr);
  if (self >= 0) close(self);
  close(pair[1]);
  socket_ = pair[0];
  if (pid_ < 0) {
    close(socket_);
    throw WatchdogError("can't start the watchdog process", code);
  }
}

Watchdog::~Watchdog() {
  if (owner_ != getpid()) {
    close(socket_);
    return;
  }
  // Half closed: the watchdog reads the end, and its exit is the end that we read.
  shutdown(socket_, SHUT_WR);
  if (!Readable(socket_, kCleanUpTimeoutMs)) kill(pid_, SIGKILL);
  close(socket_);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::string Watchdog::Ask(const std::string& request, int timeout_ms) {
  if (send(socket_, request.data(), request.size(), MSG_NOSIGNAL) < 0) {
    throw WatchdogError("the watchdog process takes no request", errno);
  }
  if (!Readable(socket_, timeout_ms)) {
    throw Error(ErrorKind::kServer, fmt::format("the watchdog process gave no answer within {} ms", timeout_ms));
  }
  std::string answer(kMessageBytes, '\0');
  const ssize_t length = recv(socket_, answer.data(), answer.size(), 0);
  if (length <= 0) throw Error(ErrorKind::kServer, "the watchdog process is dead");
  answer.resize(static_cast<std::size_t>(length));
  if (answer[0] == kRefused) throw Error(ErrorKind::kServer, answer.substr(1));
  return answer.substr(1);
}

}  // namespace migproof
