// How a line of a finding is to be coloured.
#pragma once

#include <string>
#include <string_view>

namespace migproof {

// '+', '-' or '~' where `line` is one of a drift ("+ table public.t"), behind the revision that it belongs to as well
// ("r7: + table public.t"); else ' '.
inline char DriftSign(std::string_view line) {
  const auto sign_at = [&](std::size_t at) {
    const bool is_sign =
        at + 1 < line.size() && line[at + 1] == ' ' && std::string_view("+-~").find(line[at]) != std::string_view::npos;
    return is_sign ? line[at] : ' ';
  };
  const std::size_t colon = line.find(": ");
  const char first = sign_at(0);
  return first != ' ' || colon == std::string_view::npos ? first : sign_at(colon + 2);
}

}  // namespace migproof
