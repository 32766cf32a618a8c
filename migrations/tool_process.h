// A program of the user's tool, kept running beside us: one JSON line for each request, one for each answer.
//
//   ToolProcess process("/usr/bin/python3", kProgram, environment);
//   const nlohmann::json answer = process.Ask({{"do", "open"}}, 60'000);
//
// The program is a text that an interpreter runs; it is given the numbers of two descriptors, for requests and answers.
// What it prints is kept apart (Output). It dies with us, whatever becomes of us.
#pragma once

#include <sys/types.h>

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace migproof {

class ToolProcess {
 public:
  // Error(usage) where `interpreter` (a path, or a name along PATH) can't be run. `environment` is the whole of it.
  ToolProcess(const std::string& interpreter, std::string_view program, const std::vector<std::string>& environment);
  // Ends the program; in a forked child it only lets go of it.
  ~ToolProcess();
  ToolProcess(const ToolProcess&) = delete;
  ToolProcess& operator=(const ToolProcess&) = delete;

  // Sends a request and waits for its answer. Error(server) with the last lines of the output where the program ends,
  // answers what is no JSON, or needs more than timeout_ms (then it is killed).
  nlohmann::json Ask(const nlohmann::json& request, int timeout_ms);
  // The answer that the program gives unasked when it begins.
  nlohmann::json Greeting(int timeout_ms);

  // The last `lines` lines of what the program has printed.
  std::string Output(int lines) const;
  // False in a process forked after the program was started: the program belongs to another.
  bool IsOurs() const;

 private:
  std::string ReadLine(int timeout_ms);
  void Send(const std::string& line);
  void End() noexcept;

  pid_t owner_ = 0;
  pid_t child_ = 0;
  int socket_ = -1;
  int output_ = -1;  // a file in memory
  std::string buffer_;
};

// The environment that a tool of the user's may see: ours, without everything that could name a database (PG*, and
// variables whose name or value looks like a connection string).
std::vector<std::string> EnvironmentForTools();

}  // namespace migproof
