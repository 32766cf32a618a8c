// Runs a script with psql, the way a user would.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace migproof {

// psql's exit status; 127 where there is no psql. Its complaints go to standard error, unless they are expected.
inline int RunPsql(const std::string& conninfo, const std::filesystem::path& script, bool expect_complaints = false) {
  const pid_t child = fork();
  if (child == 0) {
    const int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDOUT_FILENO);
    if (expect_complaints) dup2(nowhere, STDERR_FILENO);
    execlp("psql", "psql", "-X", "-q", "-f", script.c_str(), "-d", conninfo.c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace migproof
