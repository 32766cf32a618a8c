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

// One of the servers of a run on several.
struct ReportedServer {
  std::string name;         // as Verdict::server
  std::string description;  // "PostgreSQL 15.20 (local, /usr/lib/postgresql/15/bin)"

  bool operator==(const ReportedServer&) const = default;
};

// Which part of a run this is: the `index`-th of `of`, from 1.
struct Shard {
  int index = 1;
  int of = 1;

  bool operator==(const Shard&) const = default;
};

struct Report {
  // By server, in the order of `servers`, what is about all of them last; then by law (rank, name), then by the order
  // of revisions, the history last.
  std::vector<Verdict> verdicts;
  std::map<std::string, std::string> law_sentences;
  std::string server;  // "PostgreSQL 15.20 (local, /usr/lib/postgresql/15/bin)"; of several, their versions
  std::vector<ReportedServer> servers;  // where there are several; else none
  std::string format;                   // "native"
  std::string directory;                // as the user gave it
  std::size_t revisions = 0;            // how many were read
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

// "the history" for the history as a whole, else the revision; " on 15" behind it where it is about one of several
// servers.
std::string UnitName(const Verdict& verdict);

// The findings that are not waived (or those that are), each once: what several servers show alike is told by the first
// of them.
struct ToldFinding {
  const Verdict* verdict = nullptr;
  std::vector<std::string> servers;  // where it was found; none in a run on one server

  // "r3", "the history", "r3 on 13, 15".
  std::string Where() const;
};
std::vector<ToldFinding> FindingsToTell(const Report& report, bool waived = false);
// The declarations that the verdicts say to be stale, a line each; in a run on several servers those that are on all
// that the revision is for.
std::vector<std::string> StaleDeclarations(const Report& report);
// The server of a verdict as reports describe it: of the run's only one, or of several the one it is about, or all.
std::string ServerOf(const Report& report, const Verdict& verdict);
// "2 downgrades, 13 objects compared": what a verdict looked at; "" for nothing.
std::string ExercisedText(const std::map<std::string, std::int64_t>& exercised);
// "gave up", "not applicable".
std::string ReadableName(Outcome outcome);
// "2 falsified, 11 held, 1 not checked, 1 waived": the last word of a report.
std::string SummaryText(const Report& report);

}  // namespace migproof
