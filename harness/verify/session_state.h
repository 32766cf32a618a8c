// What a step leaves on its connection: settings, role, temporary tables, locks, prepared statements.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/verify/failures.h"

namespace migproof {

// By what it is ("setting search_path", "prepared statement p"), with its value; "" where the name says it all.
using SessionState = std::map<std::string, std::string>;

SessionState ReadSessionState(Session& session);

struct SessionLeak {
  Direction direction = Direction::kUpgrade;
  std::vector<std::string> left;  // "setting search_path: was "$user", public, is app"
  std::optional<Error> refusal;   // the ledger's entry could not be written under the role that was left
};

// Both steps of each revision, in rising order, on one database. A step that no reset follows in the tool that runs it
// is looked at without one.
class SessionLeaks {
 public:
  explicit SessionLeaks(const Bench& bench) : bench_(bench), source_(bench) {}

  // Of order()[index]; `looked_at` counts the steps that could leave something.
  std::vector<SessionLeak> At(std::size_t index, int& looked_at);

 private:
  std::optional<SessionLeak> Look(std::size_t at, const Step& step);

  const Bench& bench_;
  ReplaySource source_;
};

}  // namespace migproof
