#include "harness/postgres/server_process.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <thread>

#include "harness/postgres/child.h"
#include "harness/postgres/clock.h"
#include "harness/postgres/run_directory.h"
#include "migrations/error.h"
#include "migrations/session.h"

namespace migproof {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kAnswerTimeoutMs = 10'000;
constexpr int kStopTimeoutMs = 5'000;
constexpr auto kPollEvery = std::chrono::microseconds(500);
constexpr std::size_t kQuotedLines = 12;
constexpr char kSeparator = '\0';

std::vector<std::string> SplitRequest(const std::string& request) {
  std::vector<std::string> parts;
  std::istringstream in(request);
  for (std::string part; std::getline(in, part, kSeparator);) parts.push_back(part);
  return parts;
}

// What the watchdog does for a server. Requests: the words below, "run" followed by the arguments.
class ServerDuty : public WatchdogDuty {
 public:
  ServerDuty(std::string base, ServerUser user) : base_(std::move(base)), user_(std::move(user)) {}

  std::string Answer(const std::string& request) override {
    std::vector<std::string> parts = SplitRequest(request);
    const std::string verb = parts.at(0);
    if (verb == "claim") {
      directory_.emplace(base_, user_);
      return directory_->path();
    }
    if (verb == "state") return std::to_string(exit_code_);
    if (verb == "stop") {
      kill(program_, SIGINT);
      return "";
    }
    if (verb == "kill") {
      kill(program_, SIGQUIT);
      return "";
    }
    parts.erase(parts.begin());
    if (verb == "cpus") return RunOn(parts);
    exit_code_ = -1;
    program_ = SpawnAs(user_, parts, directory_->path() + "/server.log");
    return "";
  }

  void OnChildEnd(pid_t child, int status) override {
    if (child != program_) return;
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    ForgetSharedClock(program_);
    program_ = 0;
  }

  // SIGQUIT is PostgreSQL's immediate shutdown (5 ms). What doesn't obey is killed, orphaned backends with it: they
  // have become our children.
  void CleanUp() override {
    if (program_ > 0) kill(program_, SIGQUIT);
    if (!WaitForChildren(kStopTimeoutMs)) {
      KillChildren();
      WaitForChildren(kStopTimeoutMs);
    }
    ForgetSharedClock(program_);
    if (directory_) RunDirectory::EndServer(directory_->path());
    directory_.reset();
  }

 private:
  std::string RunOn(const std::vector<std::string>& numbers) const {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    for (const std::string& number : numbers) CPU_SET(std::stoul(number), &cpus);
    if (program_ > 0) sched_setaffinity(program_, sizeof cpus, &cpus);
    return "";
  }

  // True when there is no child any more.
  bool WaitForChildren(int timeout_ms) {
    const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
    while (true) {
      const pid_t ended = waitpid(-1, nullptr, WNOHANG);
      if (ended < 0 && errno == ECHILD) return true;
      if (ended > 0) continue;
      if (Clock::now() > deadline) return false;
      std::this_thread::sleep_for(kPollEvery);
    }
  }

  static void KillChildren() {
    std::ifstream children("/proc/thread-self/children");
    for (pid_t child = 0; children >> child;) kill(child, SIGKILL);
  }

  std::string base_;
  ServerUser user_;
  std::optional<RunDirectory> directory_;
  pid_t program_ = 0;
  int exit_code_ = -1;
};

// The eighth line of postmaster.pid is the status; the server writes it for pg_ctl (miscadmin.h,
// LOCK_FILE_LINE_PM_STATUS and PM_STATUS_READY). Asking by connecting would make it fork a process for each refusal.
bool SaysReady(const std::string& data) {
  std::ifstream in(data + "/postmaster.pid");
  std::string line;
  for (int number = 1; number <= 8; ++number) {
    if (!std::getline(in, line)) return false;
  }
  return line.rfind("ready", 0) == 0;
}

// The last lines of a log, as context for an Error.
void QuoteLog(Error& error, const std::string& log) {
  std::ifstream in(log);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  const std::size_t first = lines.size() > kQuotedLines ? lines.size() - kQuotedLines : 0;
  for (std::size_t i = first; i < lines.size(); ++i) error.AddContext(lines[i]);
}

}  // namespace

ServerProcess::ServerProcess(const std::string& base, const ServerUser& user)
    : watchdog_(std::make_unique<ServerDuty>(base, user)), directory_(watchdog_.Ask("claim", kAnswerTimeoutMs)) {}

void ServerProcess::Spawn(const std::vector<std::string>& arguments) {
  std::string request = "run";
  for (const std::string& argument : arguments) request += kSeparator + argument;
  watchdog_.Ask(request, kAnswerTimeoutMs);
}

int ServerProcess::ExitCode() { return std::stoi(watchdog_.Ask("state", kAnswerTimeoutMs)); }

int ServerProcess::WaitForEnd(Clock::time_point deadline) {
  while (true) {
    const int code = ExitCode();
    if (code >= 0 || Clock::now() > deadline) return code;
    std::this_thread::sleep_for(kPollEvery);
  }
}

void ServerProcess::Run(const std::vector<std::string>& arguments, int timeout_ms) {
  Spawn(arguments);
  const int code = WaitForEnd(Clock::now() + std::chrono::milliseconds(timeout_ms));
  if (code == 0) return;
  Error error(ErrorKind::kServer, code < 0 ? fmt::format("'{}' did not finish within {} ms", arguments[0], timeout_ms)
                                           : fmt::format("'{}' failed with exit code {}", arguments[0], code));
  QuoteLog(error, Log());
  throw error;
}

void ServerProcess::Start(const std::string& binaries, const std::vector<std::string>& settings, int timeout_ms,
                          const std::vector<std::string>& launcher) {
  std::vector<std::string> arguments = launcher;
  arguments.insert(arguments.end(), {binaries + "/postgres", "-D", data()});
  for (const std::string& setting : settings) {
    arguments.emplace_back("-c");
    arguments.push_back(setting);
  }
  arguments.emplace_back("-c");
  arguments.push_back("unix_socket_directories=" + directory_);
  Spawn(arguments);
  const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  while (!SaysReady(data())) {
    const int code = ExitCode();
    if (code < 0 && Clock::now() < deadline) {
      std::this_thread::sleep_for(kPollEvery);
      continue;
    }
    Error error(ErrorKind::kServer,
                code < 0 ? fmt::format("the PostgreSQL server did not get ready within {} ms", timeout_ms)
                         : fmt::format("the PostgreSQL server ended while starting, exit code {}", code));
    QuoteLog(error, Log());
    throw error;
  }
}

void ServerProcess::Stop(int timeout_ms) {
  watchdog_.Ask("stop", kAnswerTimeoutMs);
  if (WaitForEnd(Clock::now() + std::chrono::milliseconds(timeout_ms)) == 0) return;
  Error error(ErrorKind::kServer, "the PostgreSQL server did not shut down in order");
  QuoteLog(error, Log());
  throw error;
}

void ServerProcess::Kill(int timeout_ms) {
  watchdog_.Ask("kill", kAnswerTimeoutMs);
  if (WaitForEnd(Clock::now() + std::chrono::milliseconds(timeout_ms)) >= 0) return;
  throw Error(ErrorKind::kServer, fmt::format("the PostgreSQL server did not end within {} ms of SIGQUIT", timeout_ms));
}

void ServerProcess::RunOn(const cpu_set_t& cpus) const {
  std::string request = "cpus";
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &cpus)) request += kSeparator + std::to_string(cpu);
  }
  watchdog_.Ask(request, kAnswerTimeoutMs);
}

std::string ServerProcess::Conninfo(const std::string& database) const {
  return WithDatabase(fmt::format("host='{}' port=5432 user=postgres", directory_), database);
}

}  // namespace migproof
