#include "harness/verify/runner_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>

#include "migrations/error.h"

namespace migproof {

RunnerProcess::RunnerProcess(const std::function<void(const Bell& ring)>& body) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw Error(ErrorKind::kInternal, "can't make a pipe for a runner");
  const pid_t parent = getpid();
  std::fflush(nullptr);
  pid_ = fork();
  if (pid_ < 0) throw Error(ErrorKind::kInternal, "can't start a runner's process");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(3);
    close(ends[0]);
    try {
      body([&] { (void)!write(ends[1], "!", 1); });
    } catch (const std::exception&) {
      _exit(1);
    }
    _exit(0);  // nothing that was inherited is ended here
  }
  close(ends[1]);
  bell_ = ends[0];
}

RunnerProcess::~RunnerProcess() {
  if (pid_ > 0) Kill();
  close(bell_);
}

bool RunnerProcess::Ended() {
  if (pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = 0;
  return pid_ == 0;
}

bool RunnerProcess::WaitForBell() {
  char rung = 0;
  ssize_t got = 0;
  while ((got = read(bell_, &rung, 1)) < 0 && errno == EINTR) {
  }
  return got == 1;
}

void RunnerProcess::Kill() {
  if (pid_ > 0) kill(pid_, SIGKILL);
  Wait();
}

void RunnerProcess::Wait() {
  while (pid_ > 0 && waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
}

}  // namespace migproof
