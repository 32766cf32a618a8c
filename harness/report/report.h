// The verdicts of a run as plain values; the exit status follows from them.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/verify/coverage.h"
#include "harness/verify/finding.h"

namespace migproof {

struct Report {
  std::vector<Verdict> verdicts;  // by law (rank, name), then by the order of revisions, the history last
  std::map<std::string, std::string> law_sentences;
  std::string server;         // "PostgreSQL 15.20 (local, /usr/lib/postgresql/15/bin)"
  std::string format;         // "native"
  std::string directory;      // as the user gave it
  std::size_t revisions = 0;  // how many were read
  std::vector<std::string> heads;
  std::string equivalence = "logical";
  Coverage coverage;               // what generated rows have filled
  std::vector<std::string> notes;  // about the run: stale waivers, stale declarations
  double seconds = 0;

  std::map<Outcome, int> Counts() const;  // a waived finding does not count as falsified
  int Waived() const;
  // True where every verdict is not_applicable.
  bool NothingChecked() const;
  // 1 if anything is falsified (and not waived); else 2 if anything gave up, was skipped, is in error, or nothing was
  // checked at all; else 0.
  int ExitStatus() const;
};

// The report with the keys of fixtures/reports/report.schema.json. Times are left out: the same run gives the same
// bytes.
nlohmann::json ToJson(const Report& report);

}  // namespace migproof
