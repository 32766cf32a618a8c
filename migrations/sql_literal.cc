#include <string>
#include <string_view>

#include "migrations/ledger.h"

namespace migproof {

std::string SqlLiteral(std::string_view text) {
  const bool escaped = text.find('\\') != std::string_view::npos;
  std::string out = escaped ? "E'" : "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += c;
    out += c;
  }
  return out + "'";
}

}  // namespace migproof
