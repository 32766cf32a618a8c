// The verdicts of a run as plain values; the exit status follows from them.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/verify/coverage.h"
#include "harness/verify/finding.h"

namespace migproof {

// One revision of the history, as much as a reader needs to find it and to see where it stands in the graph.
struct ReportedRevision {
  std::string id;
  std::string title;
  std::vector<std::string> parents;
  std::vector<std::string> depends_on;
  SourceLocation where;

  bool operator==(const ReportedRevision&) const = default;
};

// Which part of a run this is: the `index`-th of `of`, from 1.
struct Shard {
  int index = 1;
  int of = 1;

  bool operator==(const Shard&) const = default;
};

struct Report {
  std::vector<Verdict> verdicts;  // by law (rank, name), then by the order of revisions, the history last
  std::map<std::string, std::string> law_sentences;
  std::string server;         // "PostgreSQL 15.20 (local, /usr/lib/postgresql/15/bin)"
  std::string format;         // "native"
  std::string directory;      // as the user gave it
  std::size_t revisions = 0;  // how many were read
  std::vector<std::string> heads;
  std::vector<ReportedRevision> graph;  // in one legal order, the first to be upgraded first
  // A digest of what was verified and how (revisions, laws, seed, cases ...): reports of one run have the same.
  std::string run;
  Shard shard;
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
// What ToJson wrote. Error(usage), with `name` for the document, for anything else.
Report ReportFromJson(const nlohmann::json& json, const std::string& name);

// "the history" for the history as a whole, else the revision.
std::string UnitName(const Verdict& verdict);
// "2 downgrades, 13 objects compared": what a verdict looked at; "" for nothing.
std::string ExercisedText(const std::map<std::string, std::int64_t>& exercised);
// "gave up", "not applicable".
std::string ReadableName(Outcome outcome);
// "2 falsified, 11 held, 1 not checked, 1 waived": the last word of a report.
std::string SummaryText(const Report& report);

}  // namespace migproof
