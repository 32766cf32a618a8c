// A date or a timestamp as the server compares it.
//
//   MomentOf("0044-03-15 12:00:00+00 BC") < MomentOf("2016-12-31 23:59:60+01")
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace migproof {

struct Moment {
  std::int64_t days = 0;          // since 1970-01-01
  std::int64_t microseconds = 0;  // of the day
  auto operator<=>(const Moment&) const = default;
};

// Of a text as the server writes it in ISO style, of any year, with a zone or without (UTC then); the infinities stand
// at the ends. Nothing for any other text.
std::optional<Moment> MomentOf(std::string_view text);

}  // namespace migproof
