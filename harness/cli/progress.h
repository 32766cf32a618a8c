// How far a run is, on standard error: a line per worker that is drawn again and again on a terminal, a plain line now
// and then in CI, nothing elsewhere. Never on standard output.
//
//   ProgressDisplay display(ChooseProgress("auto"), std::cerr);
//   Verify(subject, options, [&](const auto& workers) { display.Show(workers); });
//   display.End();
#pragma once

#include <cstddef>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "harness/verify/verify.h"

namespace migproof {

enum class ProgressMode { kNone, kPlain, kLive };

// "auto" (live where standard error is a terminal, plain where the environment variable CI is set, else none), "live",
// "plain" or "none". Error(usage) with the near name for anything else.
ProgressMode ChooseProgress(const std::string& wanted);

class ProgressDisplay {
 public:
  static constexpr double kPlainSeconds = 15;  // between two plain lines, and before the first
  static constexpr double kLiveSeconds = 0.1;  // between two drawings

  // `clock` tells seconds since some moment, `columns` how wide the terminal is.
  ProgressDisplay(ProgressMode mode, std::ostream& err, std::function<double()> clock = MonotonicSeconds,
                  std::function<std::size_t()> columns = TerminalColumns);

  void Show(const std::vector<WorkerProgress>& workers);
  // Takes the live lines away.
  void End();

  static double MonotonicSeconds();
  static std::size_t TerminalColumns();

 private:
  void Draw(const std::vector<WorkerProgress>& workers, double elapsed);

  ProgressMode mode_;
  std::ostream& err_;
  std::function<double()> clock_;
  std::function<std::size_t()> columns_;
  double begun_;
  double shown_;  // when something was last written
  std::size_t drawn_lines_ = 0;
};

}  // namespace migproof
