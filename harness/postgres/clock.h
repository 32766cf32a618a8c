// Another clock for a server of our own: libfaketime between it and the machine's.
//
//   process.Start(binaries, settings, timeout_ms, ClockLauncher(400));
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace migproof {

// Why this machine can give no other clock ("libfaketime is not installed: apt-get install faketime"), or "".
std::string WhyNoOtherClock();

// What stands before the path of a program and its arguments to give it a clock that is `days_later` days ahead:
// nothing for 0. Its timeouts go by the true clock, and so do programs that it starts. Error(server) where there is no
// other clock.
std::vector<std::string> ClockLauncher(int days_later);

// Takes away what libfaketime shares between `program`, which has ended, and the processes it made: it stays on the
// machine where the program was killed. Nothing where ClockLauncher had no part in it.
void ForgetSharedClock(pid_t program);

}  // namespace migproof
