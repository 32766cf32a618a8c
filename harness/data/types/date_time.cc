#include <fmt/format.h>

#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

struct CivilDate {
  std::int64_t year;
  unsigned month;
  unsigned day;
};

constexpr std::int64_t kLastCountedDay = 2'900'000;  // in the year 9939: four digits still

// Days since 1970-01-01 and back, in the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level date
// algorithms").
CivilDate CivilFromDays(std::int64_t days) {
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const auto day_of_era = static_cast<unsigned>(days - era * 146'097);
  const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted = (5 * day_of_year + 2) / 153;
  const unsigned month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0), month,
          day_of_year - (153 * shifted + 2) / 5 + 1};
}

constexpr std::int64_t kDaysTo2000 = 10'957;

std::string DateText(std::int64_t days_since_2000) {
  const CivilDate date = CivilFromDays(days_since_2000 + kDaysTo2000);
  return fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
}

std::string TimeText(std::int64_t seconds) {
  return fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string RandomDate(Random& random) { return DateText(random.Between(random.OneIn(4) ? -36'500 : 0, 18'000)); }

std::string RandomTime(Random& random) {
  std::string time = TimeText(random.Between(0, 86'399));
  if (random.OneIn(3)) time += fmt::format(".{:06}", random.Below(1'000'000));
  return time;
}

// Less of the fraction, then of the time, then the first day of month and year.
std::vector<std::string> SmallerTimestamps(const std::string& value, const std::string& zone) {
  std::vector<std::string> smaller;
  if (value.size() < 19 || value[4] != '-' || value[10] != ' ' || value.ends_with("BC")) return smaller;
  smaller.push_back(fmt::format("{} 00:00:00{}", value.substr(0, 10), zone));
  smaller.push_back(fmt::format("{}{}", value.substr(0, 19), zone));
  smaller.push_back(fmt::format("{}-01 00:00:00{}", value.substr(0, 7), zone));
  smaller.push_back(fmt::format("{}-01-01 00:00:00{}", value.substr(0, 4), zone));
  return smaller;
}

std::vector<std::string> SmallerDates(const std::string& value) {
  if (value.size() != 10) return {"2000-01-02"};
  return {fmt::format("{}-01", value.substr(0, 7)), fmt::format("{}-01-01", value.substr(0, 4)),
          fmt::format("2000{}-01", value.substr(4, 3))};
}

TypeRecipe Dates() {
  TypeRecipe recipe;
  recipe.edges = {"2000-01-01", "1999-12-31",    "1970-01-01",    "2024-02-29",   "1900-02-28",
                  "2038-01-19", "0001-01-01",    "9999-12-31",    "10000-01-01",  "infinity",
                  "-infinity",  "0001-12-31 BC", "4714-11-24 BC", "5874897-12-31"};
  recipe.random = RandomDate;
  recipe.nth = [](std::uint64_t n) -> std::optional<std::string> {
    if (n > kLastCountedDay) return std::nullopt;
    return DateText(static_cast<std::int64_t>(n) + 1);
  };
  recipe.smaller = SmallerDates;
  return recipe;
}

TypeRecipe Timestamps(bool zoned) {
  const std::string zone = zoned ? "+00" : "";
  TypeRecipe recipe;
  // Clocks in Berlin and New York go from 3 back to 2 and from 2 back to 1 on these days; in spring 2:30 is left out.
  // Nothing is added to the last second: rounded to fewer digits it would be out of range.
  for (const char* edge : {"2000-01-01 00:00:00", "1999-12-31 23:59:59", "1970-01-01 00:00:00",
                           "2000-01-01 00:00:00.000001", "2000-01-01 12:34:56.5", "1999-12-31 23:59:59.999999",
                           "2024-02-29 12:00:00", "2024-10-27 02:30:00", "2024-11-03 01:30:00", "2024-03-31 02:30:00",
                           "2016-12-31 23:59:60", "0001-01-01 00:00:00", "294276-12-31 23:59:59"}) {
    recipe.edges.push_back(fmt::format("{}{}", edge, zone));
  }
  recipe.edges.push_back(fmt::format("4714-11-24 00:00:00{} BC", zone));
  recipe.edges.push_back(fmt::format("0044-03-15 12:00:00{} BC", zone));
  recipe.edges.insert(recipe.edges.end(), {"infinity", "-infinity"});
  if (zoned) {
    recipe.edges.insert(recipe.edges.end(), {"2024-10-27 02:30:00+02", "2024-10-27 02:30:00+01",
                                             "2024-11-03 01:30:00-04", "2000-01-01 00:00:00+05:45"});
  }
  recipe.random = [zone](Random& random) { return RandomDate(random) + " " + RandomTime(random) + zone; };
  recipe.nth = [zone](std::uint64_t n) -> std::optional<std::string> {
    if (n > kLastCountedDay) return std::nullopt;
    return DateText(static_cast<std::int64_t>(n) + 1) + " 00:00:00" + zone;
  };
  recipe.smaller = [zone](const std::string& value) { return SmallerTimestamps(value, zone); };
  return recipe;
}

TypeRecipe Times(bool zoned) {
  const std::string zone = zoned ? "+00" : "";
  TypeRecipe recipe;
  for (const char* edge : {"00:00:00", "12:00:00", "00:00:01", "23:59:59", "24:00:00", "00:00:00.000001",
                           "23:59:59.999999", "01:02:03.5"}) {
    recipe.edges.push_back(fmt::format("{}{}", edge, zone));
  }
  if (zoned) {
    recipe.edges.insert(recipe.edges.end(), {"12:00:00+15:59", "12:00:00-15:59", "02:30:00+05:30", "24:00:00-08"});
  }
  recipe.random = [zone](Random& random) { return RandomTime(random) + zone; };
  recipe.nth = [zone](std::uint64_t n) -> std::optional<std::string> {
    if (n >= 86'399) return std::nullopt;
    return TimeText(static_cast<std::int64_t>(n) + 1) + zone;
  };
  return recipe;
}

// `interval year to month` keeps months only, and so on: counted is in the largest unit it has.
std::string UnitOf(const std::string& base) {
  for (const char* unit : {"year", "month", "day", "hour", "minute", "second"}) {
    if (base.starts_with(std::string("interval ") + unit)) return unit;
  }
  return "day";
}

TypeRecipe Intervals(const std::string& base) {
  const std::string unit = UnitOf(base);
  TypeRecipe recipe;
  recipe.edges = {"00:00:00",        "1 day",
                  "24:00:00",        "1 mon",
                  "30 days",         "-1 days",
                  "00:00:00.000001", "1 year 2 mons 3 days 04:05:06.789",
                  "1 day -00:00:01", "-1 mons +30 days",
                  "1 year",          "12:34:56",
                  "178000000 years", "-178000000 years"};
  recipe.random = [](Random& random) {
    static const std::vector<std::string> units = {"hours", "days", "mons", "years"};
    std::string text = fmt::format("{} {}", random.Between(-5, 40), random.Pick(units));
    if (random.OneIn(3))
      text += fmt::format(" {} minutes {}.{:03} seconds", random.Below(60), random.Below(60), random.Below(1000));
    return text;
  };
  recipe.nth = [unit](std::uint64_t n) -> std::optional<std::string> {
    if (n >= 1'000'000) return std::nullopt;
    return fmt::format("{} {}{}", n + 1, unit, n == 0 ? "" : "s");
  };
  return recipe;
}

class DateTimeGenerator : public RecipeGenerator {
 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    if (type.form != ColumnType::Form::kBase) return std::nullopt;
    if (type.base == "date") return Dates();
    if (type.base == "timestamp without time zone") return Timestamps(false);
    if (type.base == "timestamp with time zone") return Timestamps(true);
    if (type.base == "time without time zone") return Times(false);
    if (type.base == "time with time zone") return Times(true);
    if (type.base == "interval" || type.base.starts_with("interval ")) return Intervals(type.base);
    return std::nullopt;
  }
};

const Registered<ColumnGenerator, DateTimeGenerator> kDateTime("date_time");

}  // namespace

}  // namespace migproof
