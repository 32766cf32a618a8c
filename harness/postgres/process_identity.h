// What tells a process from every other one, now and later: for notes that outlive the process that wrote them.
#pragma once

#include <sys/types.h>

#include <string>

namespace migproof {

// The machine's boot, the process-id namespace, the number and the start of a process. "" where there is none.
std::string IdentityOf(pid_t pid);

enum class Presence {
  kAlive,
  kGone,     // ended, or from before the machine's last start
  kUnknown,  // of another process-id namespace: nothing can be said from here
};
Presence PresenceOf(const std::string& identity);

}  // namespace migproof
