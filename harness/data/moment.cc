#include "harness/data/moment.h"

#include <algorithm>

namespace migproof {

namespace {

constexpr std::int64_t kMinute = 60'000'000;  // microseconds
constexpr std::int64_t kDay = 24 * 60 * kMinute;
constexpr std::int64_t kEndOfDays = 3'000'000'000;

bool Take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// A number of `least` to `most` digits.
std::optional<std::int64_t> TakeNumber(std::string_view& text, std::size_t least, std::size_t most) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits < least || digits > most) return std::nullopt;
  std::int64_t number = 0;
  for (const char digit : text.substr(0, digits)) number = number * 10 + (digit - '0');
  text.remove_prefix(digits);
  return number;
}

// Of the proleptic Gregorian calendar, where the year before 1 is 0 (Hinnant, "chrono-compatible low-level date
// algorithms").
std::int64_t DaysFromCivil(std::int64_t year, std::int64_t month, std::int64_t day) {
  if (month <= 2) --year;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146'097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719'468;
}

std::optional<std::int64_t> TakeDate(std::string_view& text, bool before_christ) {
  const auto year = TakeNumber(text, 4, 7);
  if (!year || !Take(text, '-')) return std::nullopt;
  const auto month = TakeNumber(text, 2, 2);
  if (!month || !Take(text, '-')) return std::nullopt;
  const auto day = TakeNumber(text, 2, 2);
  if (!day || *month < 1 || *month > 12 || *day < 1 || *day > 31) return std::nullopt;
  return DaysFromCivil(before_christ ? 1 - *year : *year, *month, *day);
}

// "23:59:59.5", as microseconds.
std::optional<std::int64_t> TakeTime(std::string_view& text) {
  const auto hours = TakeNumber(text, 2, 2);
  if (!hours || !Take(text, ':')) return std::nullopt;
  const auto minutes = TakeNumber(text, 2, 2);
  if (!minutes || !Take(text, ':')) return std::nullopt;
  const auto seconds = TakeNumber(text, 2, 2);
  if (!seconds || *hours > 24 || *minutes > 59 || *seconds > 60) return std::nullopt;
  std::int64_t fraction = 0;
  if (Take(text, '.')) {
    const std::size_t before = text.size();
    const auto digits = TakeNumber(text, 1, 6);
    if (!digits) return std::nullopt;
    fraction = *digits;
    for (std::size_t i = before - text.size(); i < 6; ++i) fraction *= 10;
  }
  return (*hours * 60 + *minutes) * kMinute + *seconds * 1'000'000 + fraction;
}

// "+05:45" or "-08", as microseconds east; 0 where there is none.
std::optional<std::int64_t> TakeZone(std::string_view& text) {
  if (text.empty()) return 0;
  const bool west = Take(text, '-');
  if (!west && !Take(text, '+')) return std::nullopt;
  const auto hours = TakeNumber(text, 2, 2);
  if (!hours) return std::nullopt;
  const auto minutes = Take(text, ':') ? TakeNumber(text, 2, 2) : std::optional<std::int64_t>(0);
  if (!minutes) return std::nullopt;
  const std::int64_t east = (*hours * 60 + *minutes) * kMinute;
  return west ? -east : east;
}

}  // namespace

std::optional<Moment> MomentOf(std::string_view text) {
  if (text == "infinity") return Moment{kEndOfDays, 0};
  if (text == "-infinity") return Moment{-kEndOfDays, 0};
  const bool before_christ = text.ends_with(" BC");
  if (before_christ) text.remove_suffix(3);
  const auto days = TakeDate(text, before_christ);
  if (!days) return std::nullopt;
  Moment moment{*days, 0};
  if (text.empty()) return moment;
  if (!Take(text, ' ')) return std::nullopt;
  const auto time = TakeTime(text);
  const auto zone = time ? TakeZone(text) : std::nullopt;
  if (!zone || !text.empty()) return std::nullopt;
  moment.microseconds = *time - *zone;
  for (; moment.microseconds < 0; moment.microseconds += kDay) --moment.days;
  for (; moment.microseconds >= kDay; moment.microseconds -= kDay) ++moment.days;
  return moment;
}

}  // namespace migproof
