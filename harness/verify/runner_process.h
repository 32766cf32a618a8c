// A runner in a process of its own, which can be killed.
//
//   RunnerProcess runner([&](const Bell& ring) { ...; ring(); ... });
//   runner.Kill();
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>

namespace migproof {

class RunnerProcess {
 public:
  using Bell = std::function<void()>;

  // `body` runs in a forked child; it opens its own connections and touches none of ours. What it throws ends it.
  explicit RunnerProcess(const std::function<void(const Bell& ring)>& body);
  // Kills it where it still runs.
  ~RunnerProcess();
  RunnerProcess(const RunnerProcess&) = delete;
  RunnerProcess& operator=(const RunnerProcess&) = delete;

  pid_t pid() const { return pid_; }  // 0 once its end has been waited for
  // True once it has ended; does not wait.
  bool Ended();
  // Until `body` rings; false where it ends without.
  bool WaitForBell();
  void Kill();  // SIGKILL, and waits for the end
  void Wait();

 private:
  pid_t pid_ = 0;
  int bell_ = -1;
};

}  // namespace migproof
