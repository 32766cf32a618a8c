// Programs run as child processes, without a shell.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "harness/postgres/server_user.h"

namespace migproof {

struct ChildResult {
  int exit_code = -1;  // 127: could not be run; 128 + N: ended by signal N; -1: not finished in time, and killed
  std::string output;  // stdout and stderr
};

// Runs `arguments` (the program found along PATH) to its end with an empty stdin.
ChildResult RunToEnd(const std::vector<std::string>& arguments, int timeout_ms);

// Starts `arguments` (the program by its path) as `user`, with stdin from /dev/null, the rest appended to `log`, and an
// environment that holds no PG* variable. The child is ended with SIGQUIT when the calling thread ends. Why it could
// not be run is in the log, and the child's status is 127.
pid_t SpawnAs(const ServerUser& user, const std::vector<std::string>& arguments, const std::string& log);

}  // namespace migproof
