#include "harness/postgres/cpu_seat.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <utility>

namespace migproof {

namespace {

// Where this thread could run before it took its seat; nothing while it has none. Children inherit it with the seat.
std::optional<cpu_set_t>& Standing() {
  static std::optional<cpu_set_t> standing;
  return standing;
}

// An abstract socket: a name that one process can have, and that leaves nothing behind. -1 where another one has it.
int Claim(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const int claim = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (claim < 0) return -1;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (bind(claim, reinterpret_cast<const sockaddr*>(&address), size) == 0) return claim;
  close(claim);
  return -1;
}

}  // namespace

CpuSeat::CpuSeat(const Server* server, std::string claims) : server_(server), claims_(std::move(claims)) {
  CPU_ZERO(&before_);
  if (Standing() || sched_getaffinity(0, sizeof before_, &before_) != 0 || CPU_COUNT(&before_) < 2) return;
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && !cpu_; --cpu) {
    if (CPU_ISSET(cpu, &before_)) Sit(cpu);
  }
}

void CpuSeat::Sit(int cpu) {
  const int claim = Claim(fmt::format("{}{}", claims_, cpu));
  if (claim < 0) return;
  cpu_set_t seat;
  CPU_ZERO(&seat);
  CPU_SET(cpu, &seat);
  if (sched_setaffinity(0, sizeof seat, &seat) != 0) {
    close(claim);
    return;
  }
  cpu_ = cpu;
  claim_ = claim;
  Standing() = before_;
  if (server_ != nullptr) server_->RunOn(seat);
}

CpuSeat::~CpuSeat() {
  if (!cpu_) return;
  sched_setaffinity(0, sizeof before_, &before_);
  if (server_ != nullptr) server_->RunOn(before_);
  Standing().reset();
  close(claim_);
}

AllCpus::AllCpus(const Server& server) : server_(server) {
  CPU_ZERO(&before_);
  if (!Standing() || sched_getaffinity(0, sizeof before_, &before_) != 0) return;
  sched_setaffinity(0, sizeof(cpu_set_t), &*Standing());
  server_.RunOn(*Standing());
}

AllCpus::~AllCpus() {
  if (CPU_COUNT(&before_) == 0) return;
  sched_setaffinity(0, sizeof before_, &before_);
  server_.RunOn(before_);
}

}  // namespace migproof
