// Writes a Report for somebody: one file in reporters/ each, registered by name.
#pragma once

#include <filesystem>
#include <ostream>
#include <string_view>

#include "harness/report/report.h"
#include "migrations/registry.h"

namespace migproof {

struct ReporterOptions {
  bool color = false;                 // the target is a terminal that shows colours
  std::filesystem::path job_summary;  // where a CI service wants a summary to be added; "": nowhere
};

class Reporter {
 public:
  virtual ~Reporter() = default;
  // One line for `migproof list reporters`.
  virtual std::string_view Summary() const = 0;
  virtual void Write(const Report& report, const ReporterOptions& options, std::ostream& out) const = 0;
};

template <>
struct RegistryNoun<Reporter> {
  static constexpr const char* kNoun = "reporter";
};

}  // namespace migproof
