#include "harness/cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "harness/report/printable.h"
#include "migrations/error.h"

namespace migproof {

namespace {

std::string InWords(double seconds) {
  const auto whole = static_cast<long>(seconds + 0.5);
  if (whole < 90) return fmt::format("{} s", whole);
  if (whole < 90 * 60) return fmt::format("{} min", (whole + 30) / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

// "" as long as nothing is done: there is nothing to go by.
std::string TimeLeft(std::size_t done, std::size_t all, double elapsed) {
  if (done == 0 || done >= all) return "";
  return fmt::format(", about {} left", InWords(elapsed * static_cast<double>(all - done) / static_cast<double>(done)));
}

WorkerProgress Sum(const std::vector<WorkerProgress>& workers) {
  WorkerProgress sum;
  for (const WorkerProgress& worker : workers) {
    sum.done += worker.done;
    sum.all += worker.all;
    if (worker.done < worker.all) sum.at = worker.at;
  }
  return sum;
}

std::string Bar(const WorkerProgress& worker) {
  constexpr std::size_t kWidth = 20;
  const std::size_t filled = worker.all == 0 ? kWidth : worker.done * kWidth / worker.all;
  return std::string(filled, '=') + std::string(kWidth - filled, ' ');
}

// Cut to a number of characters, so that no line wraps: a wrapped one could not be drawn over.
std::string Cut(const std::string& line, std::size_t columns) {
  std::size_t at = 0;
  for (std::size_t characters = 0; at < line.size(); ++at) {
    const bool begins = (static_cast<unsigned char>(line[at]) & 0xC0U) != 0x80U;
    if (begins && ++characters > columns) break;
  }
  return line.substr(0, at);
}

}  // namespace

ProgressMode ChooseProgress(const std::string& wanted) {
  if (wanted == "none") return ProgressMode::kNone;
  if (wanted == "plain") return ProgressMode::kPlain;
  if (wanted == "live") return ProgressMode::kLive;
  if (wanted != "auto") {
    throw Error(ErrorKind::kUsage, fmt::format("there is no progress '{}'", wanted))
        .WithHint(NearNameHint(wanted, {"auto", "live", "plain", "none"}, "auto, live, plain or none"));
  }
  const char* terminal = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe)
  const char* ci = std::getenv("CI");          // NOLINT(concurrency-mt-unsafe)
  const bool dumb = terminal == nullptr || std::string(terminal) == "dumb";
  if (isatty(STDERR_FILENO) != 0 && !dumb) return ProgressMode::kLive;
  return ci != nullptr && *ci != '\0' && std::string(ci) != "false" ? ProgressMode::kPlain : ProgressMode::kNone;
}

ProgressDisplay::ProgressDisplay(ProgressMode mode, std::ostream& err, std::function<double()> clock,
                                 std::function<std::size_t()> columns)
    : mode_(mode),
      err_(err),
      clock_(std::move(clock)),
      columns_(std::move(columns)),
      begun_(clock_()),
      shown_(begun_) {}

void ProgressDisplay::Show(const std::vector<WorkerProgress>& workers) {
  const double now = clock_();
  if (mode_ == ProgressMode::kLive && (drawn_lines_ == 0 || now - shown_ >= kLiveSeconds)) {
    Draw(workers, now - begun_);
    shown_ = now;
  } else if (mode_ == ProgressMode::kPlain && now - shown_ >= kPlainSeconds) {
    const WorkerProgress sum = Sum(workers);
    err_ << fmt::format("migproof: {} of {} checks after {}{}\n", sum.done, sum.all, InWords(now - begun_),
                        TimeLeft(sum.done, sum.all, now - begun_))
         << std::flush;
    shown_ = now;
  }
}

void ProgressDisplay::Draw(const std::vector<WorkerProgress>& workers, double elapsed) {
  std::string text = drawn_lines_ == 0 ? "" : fmt::format("\x1b[{}A", drawn_lines_);
  for (std::size_t i = 0; i < workers.size(); ++i) {
    const WorkerProgress& worker = workers[i];
    const std::string name = workers.size() == 1 ? "" : fmt::format("worker {:<2} ", i + 1);
    const std::string what =
        worker.done == worker.all ? "done" : PrintableLine(worker.at) + TimeLeft(worker.done, worker.all, elapsed);
    const std::string line =
        fmt::format("{}[{}] {:>4} of {} checks  {}", name, Bar(worker), worker.done, worker.all, what);
    text += "\r\x1b[K" + Cut(line, columns_() - 1) + "\n";
  }
  drawn_lines_ = workers.size();
  err_ << text << std::flush;
}

void ProgressDisplay::End() {
  if (drawn_lines_ > 0) err_ << fmt::format("\x1b[{}A\r\x1b[J", drawn_lines_) << std::flush;
  drawn_lines_ = 0;
}

double ProgressDisplay::MonotonicSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::size_t ProgressDisplay::TerminalColumns() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? size.ws_col : 80;
}

}  // namespace migproof
