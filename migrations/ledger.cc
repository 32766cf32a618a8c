#include "migrations/ledger.h"

#include <fmt/format.h>

#include "migrations/session.h"

namespace migproof {

std::string_view Name(Direction direction) {
  switch (direction) {
    case Direction::kUpgrade: return "upgrade";
    case Direction::kDowngrade: return "downgrade";
    case Direction::kStamp: return "stamp";
  }
  return "stamp";
}

Rows ReadTableIfThere(Session& session, std::string_view table, std::string_view query) {
  const Rows there = session.Query("SELECT to_regclass($1) IS NOT NULL", {std::string(table)});
  return there.GetBool(0, 0) ? session.Query(query) : Rows();
}

}  // namespace migproof
