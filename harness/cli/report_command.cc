#include "harness/cli/report_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/report/merge.h"
#include "harness/report/reporter.h"
#include "harness/report/waivers.h"
#include "migrations/format.h"

namespace migproof {

namespace {

// GitHub Actions names it.
std::filesystem::path JobSummaryFile() {
  const char* file = std::getenv("GITHUB_STEP_SUMMARY");  // NOLINT(concurrency-mt-unsafe)
  return file == nullptr ? "" : file;
}

Report ReadReport(const std::string& file) {
  try {
    return ReportFromJson(nlohmann::json::parse(ReadTextFile(file)), file);
  } catch (const nlohmann::json::parse_error& error) {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' is no report of migproof: {}", file, error.what()))
        .WithHint("'migproof verify --report json=FILE' writes one");
  }
}

}  // namespace

std::vector<ReportTarget> ReportTargets(const std::vector<std::string>& reports) {
  std::vector<ReportTarget> targets;
  for (const std::string& report : reports) {
    const std::size_t equals = report.find('=');
    targets.push_back({report.substr(0, equals), equals == std::string::npos ? "" : report.substr(equals + 1)});
    Registry<Reporter>::Get(targets.back().name);
  }
  const auto to_output = std::count_if(targets.begin(), targets.end(), [](const auto& t) { return t.file.empty(); });
  if (to_output > 1) {
    throw Error(ErrorKind::kUsage, fmt::format("{} reports want standard output", to_output))
        .WithHint("--report text --report json=report.json");
  }
  return targets;
}

void WriteTextFile(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
  if (!out.flush()) throw Error(ErrorKind::kUsage, fmt::format("can't write '{}'", file.string()));
}

void WriteReports(const Report& report, const std::vector<ReportTarget>& targets, std::ostream& out) {
  ReporterOptions options{.job_summary = JobSummaryFile()};
  for (const ReportTarget& target : targets) {
    const Reporter& reporter = Registry<Reporter>::Get(target.name);
    if (target.file.empty()) {
      options.color = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;  // NOLINT
      reporter.Write(report, options, out);
      continue;
    }
    options.color = false;
    std::ostringstream text;
    reporter.Write(report, options, text);
    WriteTextFile(target.file, text.str());
  }
}

int MergeCommandForReports(const ReportCommand& command, std::ostream& out) {
  const std::vector<ReportTarget> targets = ReportTargets(command.reports);
  std::vector<std::pair<std::string, Report>> shards;
  for (const std::string& file : command.files) shards.emplace_back(file, ReadReport(file));
  Report whole = MergeReports(shards);
  ApplyWaivers(whole, command.waivers, Today());
  WriteReports(whole, targets, out);
  return whole.ExitStatus();
}

int ShowReportCommand(const ReportCommand& command, std::ostream& out) {
  const std::vector<ReportTarget> targets = ReportTargets(command.reports);
  const Report report = ReadReport(command.files.front());
  WriteReports(report, targets, out);
  return report.ExitStatus();
}

}  // namespace migproof
