// What a law says about one unit of a history.
//
// A Verdict is a plain value with an honest ending: could-not-check is never a pass (DESIGN: "Verdict").
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/data/dataset.h"
#include "harness/verify/move.h"
#include "migrations/error.h"

namespace migproof {

// The rows that break a law, and how they did it.
struct Counterexample {
  Dataset rows;  // inserted before the revision's upgrade; the fewest and simplest that were found
  // The law compared the database after `was` with that after `is`; where `refused`, the last move of `is` was refused.
  Path was;
  Path is;
  bool refused = false;
  // What stays the same while the rows are made simpler: "23505 public.orders orders_note_key" and the like.
  std::string signature;
  // Small tables for the reader: what the tables held, and when ("before", "after upgrade, downgrade").
  struct Shown {
    std::string when;
    std::string table;
    TableRows rows;
    bool operator==(const Shown&) const = default;
  };
  std::vector<Shown> shown;
  std::int64_t evaluations = 0;  // how many sets of rows were tried to make it small
  std::string script;            // replays it with psql on an empty database, and fails there in the same way

  bool operator==(const Counterexample&) const = default;
};

nlohmann::json ToJson(const Counterexample& counterexample);
Counterexample CounterexampleFromJson(const nlohmann::json& json);

// Why a law does not hold: one message, where to look, and the evidence line by line.
struct Finding {
  std::string message;
  SourceLocation location;
  std::vector<std::string> drift;     // one line per difference ("- index public.orders_note_idx: ...")
  std::vector<std::string> evidence;  // what else was seen: refusals of the server, rows before and after
  std::string hint;
  std::optional<Counterexample> counterexample;  // where it takes rows to break the law

  bool operator==(const Finding&) const = default;
};

enum class Outcome { kHeld, kFalsified, kNotApplicable, kGaveUp, kSkipped, kError };

std::string_view Name(Outcome outcome);  // "held", "not_applicable" ...
std::optional<Outcome> OutcomeNamed(std::string_view name);

struct Verdict {
  std::string law;
  std::string revision;  // "" for the history as a whole
  // In a run on several servers the one that it is about ("15"; see ServerSpec::Label), or "" for all of them.
  std::string server;
  Outcome outcome = Outcome::kError;
  std::string reason;  // for every outcome but held and falsified
  std::optional<Finding> finding;
  // What was looked at, counted: "upgrades", "statements", "objects", "rows" ... A held verdict has a count above zero.
  std::map<std::string, std::int64_t> exercised;
  std::vector<std::string> notes;         // seen, and no finding: column order, what is left as declared
  std::vector<std::string> stale;         // declarations of the revision that nothing bore out
  std::vector<std::string> reached_past;  // revisions whose failing statements were left out on the way here
  std::string reproduction;               // a command that shows the finding again
  std::string waiver;                     // why an accepted finding does not count, or ""
};

nlohmann::json ToJson(const Verdict& verdict);
Verdict VerdictFromJson(const nlohmann::json& json);

}  // namespace migproof
