// Findings that somebody has accepted until a day, in a file meant for review.
//
//   {"waivers": [{"finding": "round_trip:s44#1f0c2a9b", "why": "...", "until": "2027-01-31"}]}
//
// A finding's name holds a digest of what was found: another fault in the same revision is not covered.
#pragma once

#include <filesystem>
#include <string>

#include "harness/report/report.h"

namespace migproof {

// "round_trip:s44#1f0c2a9b"; the history as a whole is "round_trip:#...".
std::string FindingName(const Verdict& verdict);

// Marks the findings that `file` covers on `today` (YYYY-MM-DD). Expired and no longer occurring waivers become notes
// of the report. No file: nothing happens. Error(usage) for a file that can't be understood.
void ApplyWaivers(Report& report, const std::filesystem::path& file, const std::string& today);

// Adds a waiver. Error(usage) for a name or a day that can't be one, a day that is over, an empty reason.
void AcceptFinding(const std::filesystem::path& file, const std::string& finding, const std::string& why,
                   const std::string& until, const std::string& today);

// The day in UTC: the only clock that waivers know.
std::string Today();

}  // namespace migproof
