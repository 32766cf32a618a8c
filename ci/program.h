// Runs the built program the way a user would, and keeps what it said.
//
//   const ProgramRun run = RunProgram({"verify", "--path", "db"}, {.directory = project.path()});
//   EXPECT_EQ(run.status, 2) << run;
#pragma once

#include <fcntl.h>
#include <grp.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace migproof {

struct ProgramRun {
  int status = -1;  // the exit status; 128 + N: ended by signal N
  std::string out;
  std::string err;

  friend std::ostream& operator<<(std::ostream& to, const ProgramRun& run) {
    return to << "exit status " << run.status << "\nstdout: " << run.out << "\nstderr: " << run.err;
  }
};

struct ProgramOptions {
  std::filesystem::path directory;                                // to run in; "": the current one
  std::map<std::string, std::optional<std::string>> environment;  // set, or taken away
  uid_t user = 0;                                                 // whom root becomes first
  std::filesystem::path program = MIGPROOF_PROGRAM;               // or another one, along PATH
  unsigned deadline_seconds = 120;                                // then it is ended by SIGALRM
};

inline std::string ReadDescriptor(int fd) {
  std::string text(static_cast<std::size_t>(lseek(fd, 0, SEEK_END)), '\0');
  text.resize(static_cast<std::size_t>(pread(fd, text.data(), text.size(), 0)));
  return text;
}

// In the child: becomes the program, or ends with 127.
[[noreturn]] inline void BecomeProgram(const std::vector<std::string>& arguments, const ProgramOptions& options) {
  if (!options.directory.empty() && chdir(options.directory.c_str()) != 0) _exit(127);
  for (const auto& [name, value] : options.environment) {
    value ? setenv(name.c_str(), value->c_str(), 1) : unsetenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
  }
  if (options.user != 0 && (setgroups(0, nullptr) != 0 || setgid(options.user) != 0 || setuid(options.user) != 0)) {
    _exit(127);
  }
  std::string name = options.program;
  std::vector<char*> words{name.data()};
  for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  alarm(options.deadline_seconds);
  execvp(name.c_str(), words.data());
  _exit(127);
}

inline ProgramRun RunProgram(const std::vector<std::string>& arguments, const ProgramOptions& options = {}) {
  const int out = memfd_create("stdout", MFD_CLOEXEC);
  const int err = memfd_create("stderr", MFD_CLOEXEC);
  const pid_t child = fork();
  if (child == 0) {
    dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    BecomeProgram(arguments, options);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ProgramRun run{WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), ReadDescriptor(out),
                 ReadDescriptor(err)};
  close(out);
  close(err);
  return run;
}

}  // namespace migproof
