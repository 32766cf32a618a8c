// Where reports go, and `migproof report`: reports that are there already, shown or put together.
#pragma once

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "harness/report/report.h"

namespace migproof {

struct ReportTarget {
  std::string name;            // of a reporter
  std::filesystem::path file;  // empty: standard output
};

// "text", "json=report.json". Error(usage) for an unknown reporter, and where two want standard output.
std::vector<ReportTarget> ReportTargets(const std::vector<std::string>& reports);

// Reports without a file go to `out`. Error(usage) where a file can't be written.
void WriteReports(const Report& report, const std::vector<ReportTarget>& targets, std::ostream& out);

// Error(usage) where `file` can't be written.
void WriteTextFile(const std::filesystem::path& file, const std::string& text);

struct ReportCommand {
  std::vector<std::string> files;               // JSON reports
  std::vector<std::string> reports = {"text"};  // NAME or NAME=FILE
  std::filesystem::path waivers;                // applied again: each shard knew only its own findings
};

// `report merge`: the reports of all shards of one run as one. Returns the exit status of that run.
int MergeCommandForReports(const ReportCommand& command, std::ostream& out);

// `report show`: one report in other forms. Returns the exit status of its run.
int ShowReportCommand(const ReportCommand& command, std::ostream& out);

}  // namespace migproof
