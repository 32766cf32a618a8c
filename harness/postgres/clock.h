// Another clock for a server of our own: libfaketime between it and the machine's.
//
//   process.Start(binaries, settings, timeout_ms, ClockLauncher(400));
#pragma once

#include <string>
#include <vector>

namespace migproof {

// Why this machine can give no other clock ("libfaketime is not installed: apt-get install faketime"), or "".
std::string WhyNoOtherClock();

// What starts a program whose clock is `days_later` days ahead: nothing for 0. Its timeouts go by the true clock.
// Error(server) where there is no other clock.
std::vector<std::string> ClockLauncher(int days_later);

// For a server that ClockLauncher has started, once it takes connections: takes the names of what libfaketime shares
// between processes away from the machine, so that nothing stays when the server is killed. `data` is its directory.
void ForgetSharedClock(const std::string& data);

}  // namespace migproof
