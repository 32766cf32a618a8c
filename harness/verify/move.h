// The ways in which a revision moves a database.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace migproof {

// What can be done at a revision whose ancestors are applied.
enum class Move {
  kUpgrade,    // the revision's upgrade
  kDowngrade,  // its downgrade
  kRerun,      // its upgrade's script once more
  kInsert,     // rows of the shape that its upgrade gave the database go in; only a case with such rows does that
  kVerify,     // the tool's own look at the upgrade runs (Revision::verification), and is undone
  kAdopt,      // its ledger entry is forgotten, then the revision is upgraded as if the database had never been stamped
};

using Path = std::vector<Move>;

// "upgrade", "downgrade", "upgrade run again", "insert", "verification", "adoption".
std::string_view Name(Move move);
// "upgrade, downgrade", or "nothing" for the empty path.
std::string ToString(const Path& path);

}  // namespace migproof
