// Runs a script with psql, the way a user would.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace migproof {

// psql's exit status; 127 where there is no psql. Its complaints go to the file `complaints`, each with its SQLSTATE;
// to standard error where there is no such file.
inline int RunPsql(const std::string& conninfo, const std::filesystem::path& script,
                   const std::filesystem::path& complaints) {
  const pid_t child = fork();
  if (child == 0) {
    dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
    if (!complaints.empty()) dup2(open(complaints.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
    execlp("psql", "psql", "-X", "-q", "-v", "VERBOSITY=verbose", "-f", script.c_str(), "-d", conninfo.c_str(),
           nullptr);
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

inline int RunPsql(const std::string& conninfo, const std::filesystem::path& script, bool expect_complaints = false) {
  return RunPsql(conninfo, script, std::filesystem::path(expect_complaints ? "/dev/null" : ""));
}

}  // namespace migproof
