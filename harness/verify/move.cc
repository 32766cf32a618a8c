#include "harness/verify/move.h"

#include <fmt/format.h>

namespace migproof {

std::string_view Name(Move move) {
  switch (move) {
    case Move::kUpgrade: return "upgrade";
    case Move::kDowngrade: return "downgrade";
    case Move::kRerun: return "upgrade run again";
    case Move::kInsert: return "insert";
    case Move::kVerify: return "verification";
    case Move::kAdopt: return "adoption";
  }
  return "";
}

std::string ToString(const Path& path) {
  std::string text;
  for (const Move move : path) text += fmt::format("{}{}", text.empty() ? "" : ", ", Name(move));
  return text.empty() ? "nothing" : text;
}

}  // namespace migproof
