#include "harness/verify/worker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "migrations/error.h"

namespace migproof {

namespace {

constexpr const char* kFailureKey = "worker failure";

void WriteLine(int fd, const nlohmann::json& document) {
  const std::string line = document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  for (std::size_t at = 0; at < line.size();) {
    const ssize_t written = write(fd, line.data() + at, line.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) _exit(3);  // the parent has gone
    at += static_cast<std::size_t>(written);
  }
}

// Runs in the child; its destructors (servers, databases) have run when it returns.
void RunBody(int fd, int worker, const std::function<void(int, const Emit&)>& body) {
  try {
    body(worker, [fd](const nlohmann::json& document) { WriteLine(fd, document); });
  } catch (const Error& error) {
    WriteLine(fd, {{kFailureKey, error.Render()}});
  } catch (const std::exception& error) {
    WriteLine(fd, {{kFailureKey, fmt::format("error: {}", error.what())}});
  }
}

struct Child {
  pid_t pid = 0;
  int fd = -1;
  std::string buffer;
};

Child Start(int worker, const std::function<void(int, const Emit&)>& body) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw Error(ErrorKind::kInternal, "can't make a pipe for a worker");
  const pid_t parent = getpid();
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid < 0) throw Error(ErrorKind::kInternal, "can't start a worker process");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(3);
    close(ends[0]);
    RunBody(ends[1], worker, body);
    _exit(0);
  }
  close(ends[1]);
  return {pid, ends[0], ""};
}

void TakeLines(int worker, Child& child, WorkerEnd& end,
               const std::function<void(int, const nlohmann::json&)>& receive) {
  for (std::size_t newline; (newline = child.buffer.find('\n')) != std::string::npos;) {
    const auto document = nlohmann::json::parse(child.buffer.substr(0, newline));
    child.buffer.erase(0, newline + 1);
    if (document.contains(kFailureKey)) {
      end.failure = document.at(kFailureKey);
    } else {
      receive(worker, document);
    }
  }
}

void Reap(const Child& child, WorkerEnd& end) {
  int status = 0;
  while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!end.failure.empty()) return;
  if (WIFSIGNALED(status)) end.failure = fmt::format("a worker was killed by signal {}", WTERMSIG(status));
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
    end.failure = fmt::format("a worker ended with status {}", WEXITSTATUS(status));
  }
}

}  // namespace

std::vector<WorkerEnd> RunWorkers(int count, const std::function<void(int worker, const Emit& emit)>& body,
                                  const std::function<void(int worker, const nlohmann::json&)>& receive,
                                  const std::function<void()>& tick) {
  std::vector<Child> children;
  std::vector<WorkerEnd> ends(static_cast<std::size_t>(count));
  for (int worker = 0; worker < count; ++worker) children.push_back(Start(worker, body));
  std::vector<pollfd> polled;
  for (const Child& child : children) polled.push_back({child.fd, POLLIN, 0});
  for (std::size_t open = children.size(); open > 0;) {
    const int ready = poll(polled.data(), polled.size(), tick ? kTickMs : -1);
    if (ready == 0 && tick) tick();
    if (ready <= 0) continue;
    for (std::size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].fd < 0 || polled[i].revents == 0) continue;
      char chunk[65536];
      const ssize_t got = read(polled[i].fd, chunk, sizeof chunk);
      if (got > 0) {
        children[i].buffer.append(chunk, static_cast<std::size_t>(got));
        TakeLines(static_cast<int>(i), children[i], ends[i], receive);
      } else if (got == 0 || errno != EINTR) {
        close(polled[i].fd);
        polled[i].fd = -1;
        --open;
      }
    }
  }
  for (std::size_t i = 0; i < children.size(); ++i) Reap(children[i], ends[i]);
  return ends;
}

}  // namespace migproof
