// Worker processes: the property library and the server's signals know no threads, so the work is spread by fork.
//
//   RunWorkers(2, [](int worker, const Emit& emit) { ...; emit(json); }, [](const nlohmann::json& line) { ... });
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace migproof {

using Emit = std::function<void(const nlohmann::json&)>;

// How a worker ended: "" when it did its work, else why not ("killed by signal 9", the Error it threw).
struct WorkerEnd {
  std::string failure;
};

inline constexpr int kTickMs = 500;

// Runs `body` in `count` child processes, and hands each emitted
// document to `receive` here, in the order of its worker. Children die with this process. `tick`, where given, is
// called here about every kTickMs, whether anything was emitted or not.
std::vector<WorkerEnd> RunWorkers(int count, const std::function<void(int worker, const Emit& emit)>& body,
                                  const std::function<void(int worker, const nlohmann::json&)>& receive,
                                  const std::function<void()>& tick = nullptr);

}  // namespace migproof
