// The verdicts a history is known to get: `verify --expect FILE` succeeds exactly when the run gives these.
//
// The file lists every verdict that is neither held nor not_applicable, with the drift of its finding; everything else
// must be held or not_applicable:
//   {"expected": [{"law": "round_trip", "revision": "s44", "outcome": "falsified", "message": "...", "drift": ["- index
//   ..."]}]}
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/report/report.h"

namespace migproof {

// One line for each way in which `report` is not what `file` expects: empty when they agree. Error(usage) for a file
// that is no expectation (unknown keys, with the near name).
std::vector<std::string> CompareWithExpectation(const Report& report, const std::filesystem::path& file);

// The expectation that `report` meets, as text for a file: how a known answer is blessed.
std::string ExpectationOf(const Report& report);

// `text` with each timestamp replaced by "<time>": a default that froze the moment of an upgrade is another one each
// run.
std::string MaskTimes(const std::string& text);

}  // namespace migproof
