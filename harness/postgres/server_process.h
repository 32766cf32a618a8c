// One PostgreSQL server of our own in its run directory, guarded by a watchdog process that is its parent.
//
//   ServerProcess process("/dev/shm", user);
//   process.Run({binaries + "/initdb", "-D", process.data()}, 30'000);
//   process.Start(binaries, {"fsync=off"}, 30'000);
//   Session session(process.Conninfo("postgres"));
//
// The watchdog makes and removes the directory, so there is no moment at which our death would leave anything behind.
#pragma once

#include <sched.h>

#include <chrono>
#include <string>
#include <vector>

#include "harness/postgres/server_user.h"
#include "harness/postgres/watchdog.h"

namespace migproof {

class ServerProcess {
 public:
  // Error(server) when no directory can be made below `base`.
  ServerProcess(const std::string& base, const ServerUser& user);

  const std::string& directory() const { return directory_; }
  std::string data() const { return directory_ + "/data"; }

  // A program run to its end as the server's user. Error(server), quoting its last lines, when it fails.
  void Run(const std::vector<std::string>& arguments, int timeout_ms);

  // Runs `postgres` on data() with `settings` ("name=value") and returns when it takes connections. Error(server),
  // quoting the last lines of its log, when it ends before or takes longer. `launcher`, where given, is a program and
  // its arguments that replaces itself with the server ("/usr/bin/env A=B").
  void Start(const std::string& binaries, const std::vector<std::string>& settings, int timeout_ms,
             const std::vector<std::string>& launcher = {});

  // Shuts down in order (a checkpoint, files complete) and waits for the end.
  void Stop(int timeout_ms);

  // Ends the server with SIGQUIT, as a crash would, and waits for the end.
  void Kill(int timeout_ms);

  // The CPUs of what the server starts from now on; those of a server that has ended are nobody's.
  void RunOn(const cpu_set_t& cpus) const;

  std::string Conninfo(const std::string& database) const;

 private:
  void Spawn(const std::vector<std::string>& arguments);
  // The exit code of the last program, or -1 while it runs.
  int ExitCode();
  int WaitForEnd(std::chrono::steady_clock::time_point deadline);
  std::string Log() const { return directory_ + "/server.log"; }

  mutable Watchdog watchdog_;  // asked, it answers; nothing of ours changes
  std::string directory_;
};

}  // namespace migproof
