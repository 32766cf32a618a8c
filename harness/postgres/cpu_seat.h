// One CPU for a process and its server.
//
//   const CpuSeat seat;                          // this thread, and all that it starts from now on
//   const auto server = ParseServerSpec("local").Start({});
//
// A client and its server take turns: while one works, the other waits. On two CPUs each turn wakes an idle one, which
// takes longer than most queries; on one CPU it is a switch between two processes. Nobody sits where another process of
// ours does, as long as they see each other (same network namespace): with no CPU free, nothing changes.
#pragma once

#include <sched.h>

#include <optional>
#include <string>

#include "harness/postgres/provider.h"

namespace migproof {

class CpuSeat {
 public:
  // The calling thread; with `server`, the backends that this one starts until it is killed too. Who uses the same
  // `claims` sees each other.
  explicit CpuSeat(const Server* server = nullptr, std::string claims = "migproof-cpu-");
  ~CpuSeat();
  CpuSeat(const CpuSeat&) = delete;
  CpuSeat& operator=(const CpuSeat&) = delete;

  // The number of the CPU; nothing where none was free, or there is but one.
  std::optional<int> cpu() const { return cpu_; }

 private:
  void Sit(int cpu);

  const Server* server_;
  std::string claims_;
  std::optional<int> cpu_;
  int claim_ = -1;  // a socket whose name says that the CPU is taken; it goes with the process
  cpu_set_t before_;
};

// For as long as it lives, this thread, the threads and processes it starts, and the backends that `server` starts have
// all the CPUs that they would have without a seat.
class AllCpus {
 public:
  explicit AllCpus(const Server& server);
  ~AllCpus();
  AllCpus(const AllCpus&) = delete;
  AllCpus& operator=(const AllCpus&) = delete;

 private:
  const Server& server_;
  cpu_set_t before_;
};

}  // namespace migproof
