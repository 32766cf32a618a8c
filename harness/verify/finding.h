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

#include "migrations/error.h"

namespace migproof {

// Why a law does not hold: one message, where to look, and the evidence line by line.
struct Finding {
  std::string message;
  SourceLocation location;
  std::vector<std::string> drift;     // one line per difference ("- index public.orders_note_idx: ...")
  std::vector<std::string> evidence;  // what else was seen: refusals of the server, rows before and after
  std::string hint;

  bool operator==(const Finding&) const = default;
};

enum class Outcome { kHeld, kFalsified, kNotApplicable, kGaveUp, kSkipped, kError };

std::string_view Name(Outcome outcome);  // "held", "not_applicable" ...
std::optional<Outcome> OutcomeNamed(std::string_view name);

struct Verdict {
  std::string law;
  std::string revision;  // "" for the history as a whole
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
