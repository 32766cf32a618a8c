// Rows that broke a law once, in a file meant to be committed: they are tried first from then on.
//
//   {"regressions": [{"finding": "round_trip:s44#1f0c2a9b", "law": "round_trip", "revision": "s44",
//                     "message": "...", "rows": {"tables": [...]}}]}
//
// The name of a finding is also the token that 'migproof reproduce' takes.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/data/dataset.h"
#include "harness/report/report.h"

namespace migproof {

struct Regression {
  std::string finding;  // FindingName of the verdict
  std::string law;
  std::string revision;
  std::string message;
  Dataset rows;
};

// What `file` holds; nothing where there is no such file. Error(usage) for a file that can't be understood.
std::vector<Regression> ReadRegressions(const std::filesystem::path& file);

// Adds the findings of `report` that hold rows and are not in `file` yet; how many those were. Findings that are there
// already stay as they are. Error(usage) where the file can't be written.
int SaveRegressions(const std::filesystem::path& file, const Report& report);

}  // namespace migproof
