// A process that lives just longer than its maker, to clean up after it even when it was killed with SIGKILL.
//
//   class Duty : public WatchdogDuty {
//     std::string Answer(const std::string& request) override;   // work on request
//     void CleanUp() override;                                   // the maker is gone, or has let go
//   };
//   Watchdog watchdog(std::make_unique<Duty>());
//   watchdog.Ask("...", 1000);
//
// The duty's methods run in the watchdog's process only. That process is forked, has a session of its own, blocks every
// signal, keeps none of the maker's file descriptors, and is the reaper of all processes that its children leave
// behind.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

namespace migproof {

class WatchdogDuty {
 public:
  virtual ~WatchdogDuty() = default;

  // Serves one request; an exception's text becomes the Error(server) of Watchdog::Ask.
  virtual std::string Answer(const std::string& request) = 0;
  // A child of the watchdog, or an orphan of its children, ended with this wait status.
  virtual void OnChildEnd(pid_t /*child*/, int /*status*/) {}
  // Called exactly once, at the end: by ~Watchdog, or when the maker died.
  virtual void CleanUp() = 0;
};

class Watchdog {
 public:
  // Error(server) where no process can be made.
  explicit Watchdog(std::unique_ptr<WatchdogDuty> duty);
  // Has the duty clean up and waits until it is done, at most 15 s. In a forked child it does nothing.
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // At most 60,000 bytes each way. Error(server): what the duty threw, no answer in time, or the watchdog is dead.
  std::string Ask(const std::string& request, int timeout_ms);

 private:
  pid_t owner_;
  pid_t pid_ = 0;
  int socket_ = -1;
};

}  // namespace migproof
