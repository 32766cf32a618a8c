#include "harness/data/check_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "harness/data/moment.h"
#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

using Form = ColumnType::Form;

// sign * 0.digits * 10^point; zero has no digits. NaN and the infinities stand at the ends.
struct ExactNumber {
  int rank = 0;  // -1, 1: infinities; 2: NaN; 0: a number
  bool negative = false;
  std::string digits;
  long point = 0;
};

std::optional<ExactNumber> ParseNumber(const std::string& text) {
  if (text == "NaN") return ExactNumber{.rank = 2};
  if (text == "Infinity") return ExactNumber{.rank = 1};
  if (text == "-Infinity") return ExactNumber{.rank = -1};
  ExactNumber number;
  std::size_t at = 0;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) number.negative = text[at++] == '-';
  bool fraction = false;
  bool any = false;
  for (; at < text.size(); ++at) {
    if (text[at] == '.' && !fraction) {
      fraction = true;
    } else if (std::isdigit(static_cast<unsigned char>(text[at])) != 0) {
      any = true;
      number.digits += text[at];
      if (!fraction) ++number.point;
    } else {
      break;
    }
  }
  if (!any) return std::nullopt;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    char* end = nullptr;
    number.point += std::strtol(text.c_str() + at + 1, &end, 10);
    at = static_cast<std::size_t>(end - text.c_str());
  }
  if (at != text.size()) return std::nullopt;
  const std::size_t leading = std::min(number.digits.find_first_not_of('0'), number.digits.size());
  number.digits.erase(0, leading);
  number.point -= static_cast<long>(leading);
  number.digits.erase(number.digits.find_last_not_of('0') + 1);
  if (number.digits.empty()) return ExactNumber{};
  return number;
}

int CompareNumbers(const ExactNumber& left, const ExactNumber& right) {
  if (left.rank != 0 || right.rank != 0) return left.rank - right.rank;
  const int left_sign = left.digits.empty() ? 0 : left.negative ? -1 : 1;
  const int right_sign = right.digits.empty() ? 0 : right.negative ? -1 : 1;
  if (left_sign != right_sign) return left_sign - right_sign;
  if (left_sign == 0) return 0;
  if (left.point != right.point) return left.point < right.point ? -left_sign : left_sign;
  return left.digits.compare(right.digits) * left_sign;
}

std::string Folded(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string WithoutPadding(std::string text) {
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

bool IsAscii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 128; });
}

// Dates and timestamps of years with four digits, without a zone or in UTC; and infinity.
bool IsPlainTime(std::string text) {
  if (text == "infinity" || text == "-infinity") return true;
  if (text.ends_with("+00")) text.resize(text.size() - 3);
  if (text.size() == 10) text += " 00:00:00";
  if (text.size() < 19 || text.size() > 26) return false;
  for (std::size_t i = 0; i < 19; ++i) {
    const bool digit = std::isdigit(static_cast<unsigned char>(text[i])) != 0;
    if (digit == (i == 4 || i == 7 || i == 10 || i == 13 || i == 16)) return false;
  }
  if (text.size() == 19) text += '.';
  if (text[19] != '.' || text.find_first_not_of("0123456789", 20) != std::string::npos) return false;
  return text.substr(11, 5) != "24:00" && text.substr(17, 2) != "60";
}

// "08:30", "23:59:59.5+01".
bool IsTimeOfDay(const std::string& text) {
  const std::string moment = "2000-01-01 " + text;
  return MomentOf(moment) || MomentOf(moment + ":00");
}

ValueFamily CommonFamily(const TypedText& left, const TypedText& right) {
  if (left.family == ValueFamily::kUntyped && right.family == ValueFamily::kUntyped) {
    return ParseNumber(left.text) && ParseNumber(right.text) ? ValueFamily::kNumber : ValueFamily::kText;
  }
  if (left.family == ValueFamily::kUntyped) return right.family;
  if (right.family == ValueFamily::kUntyped || left.family == right.family) return left.family;
  const auto either = [&](ValueFamily family) { return left.family == family || right.family == family; };
  if (either(ValueFamily::kFloat) && either(ValueFamily::kNumber)) return ValueFamily::kFloat;
  if (either(ValueFamily::kDate) && either(ValueFamily::kTimestamp)) return ValueFamily::kTimestamp;
  if (either(ValueFamily::kText) && either(ValueFamily::kCaseless)) return ValueFamily::kCaseless;
  if (either(ValueFamily::kText) && either(ValueFamily::kPadded)) return ValueFamily::kText;
  return ValueFamily::kOther;
}

std::optional<int> OrderOfTexts(const std::optional<std::string>& left, const std::optional<std::string>& right) {
  if (!left || !right) return std::nullopt;
  return left->compare(*right);
}

std::optional<int> OrderOfMoments(const std::optional<Moment>& left, const std::optional<Moment>& right) {
  if (!left || !right) return std::nullopt;
  return *left < *right ? -1 : *left > *right ? 1 : 0;
}

std::optional<int> OrderOfLabels(const ColumnType& type, const std::string& left, const std::string& right) {
  const auto a = std::find(type.labels.begin(), type.labels.end(), left);
  const auto b = std::find(type.labels.begin(), type.labels.end(), right);
  if (a == type.labels.end() || b == type.labels.end()) return std::nullopt;
  return static_cast<int>(a - b);
}

std::optional<int> OrderOfFloats(const std::string& left, const std::string& right) {
  if (!ParseNumber(left) || !ParseNumber(right)) return std::nullopt;
  const double a = std::strtod(left.c_str(), nullptr);
  const double b = std::strtod(right.c_str(), nullptr);
  if (std::isnan(a) || std::isnan(b)) return static_cast<int>(std::isnan(a)) - static_cast<int>(std::isnan(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

// A decimal as a whole number of 10^-scale.
struct ScaledNumber {
  std::int64_t units = 0;
  int scale = 0;
};

std::int64_t TenToThe(int power) {
  std::int64_t value = 1;
  for (int i = 0; i < power; ++i) value *= 10;
  return value;
}

std::optional<ScaledNumber> ParseScaled(const std::string& text) {
  std::string digits;
  ScaledNumber number;
  bool fraction = false;
  for (std::size_t i = text.starts_with("-") ? 1 : 0; i < text.size(); ++i) {
    if (text[i] == '.' && !fraction) {
      fraction = true;
    } else if (std::isdigit(static_cast<unsigned char>(text[i])) != 0) {
      digits += text[i];
      if (fraction) ++number.scale;
    } else {
      return std::nullopt;
    }
  }
  if (digits.empty() || digits.size() > 17) return std::nullopt;
  number.units = std::strtoll(digits.c_str(), nullptr, 10) * (text.starts_with("-") ? -1 : 1);
  return number;
}

bool Rescale(ScaledNumber& number, int scale) {
  if (scale == number.scale) return true;
  if (scale - number.scale > 8 || std::llabs(number.units) > 90'000'000'000) return false;
  number.units *= TenToThe(scale - number.scale);
  number.scale = scale;
  return true;
}

std::string TextOf(const ScaledNumber& number) {
  std::string digits = std::to_string(std::llabs(number.units));
  const auto scale = static_cast<std::size_t>(number.scale);
  if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
  if (scale > 0) digits.insert(digits.size() - scale, ".");
  return number.units < 0 ? "-" + digits : digits;
}

std::vector<std::string> NumbersBeside(const std::string& text, const std::vector<std::string>& units) {
  std::vector<std::string> beside;
  for (const std::string& unit : units) {
    for (const char operation : {'-', '+'}) {
      if (const auto next = Calculate(text, operation, unit)) beside.push_back(*next);
    }
  }
  return beside;
}

std::vector<std::string> DaysBeside(const std::string& text, const std::string& rest) {
  using namespace std::chrono;
  const year_month_day date(year(std::atoi(text.c_str())), month(static_cast<unsigned>(std::atoi(text.c_str() + 5))),
                            day(static_cast<unsigned>(std::atoi(text.c_str() + 8))));
  if (!date.ok()) return {};
  std::vector<std::string> beside;
  for (const int days_on : {-1, 1}) {
    const year_month_day next(sys_days(date) + days(days_on));
    const int next_year = static_cast<int>(next.year());
    if (next_year < 1 || next_year > 9999) continue;
    beside.push_back(fmt::format("{:04}-{:02}-{:02}{}", next_year, static_cast<unsigned>(next.month()),
                                 static_cast<unsigned>(next.day()), rest));
  }
  return beside;
}

std::vector<std::string> TextsBeside(const std::string& text) {
  std::vector<std::string> beside = {text + "a", text + " ", " " + text};
  const std::vector<std::string> characters = Characters(text);
  if (!characters.empty()) beside.push_back(text.substr(0, text.size() - characters.back().size()));
  std::string swapped = text;
  for (char& c : swapped) {
    const auto byte = static_cast<unsigned char>(c);
    c = static_cast<char>(std::isupper(byte) != 0 ? std::tolower(byte) : std::toupper(byte));
  }
  if (IsAscii(text) && swapped != text) beside.push_back(swapped);
  return beside;
}

bool FitsNumeric(const ColumnType& type, const std::string& text) {
  const auto number = ParseNumber(text);
  if (!number) return false;
  if (type.modifiers.empty()) return true;
  if (number->rank != 0) return number->rank == 2;
  const int scale = type.modifiers.size() > 1 ? type.modifiers[1] : 0;
  const long decimals = static_cast<long>(number->digits.size()) - number->point;
  return number->digits.empty() || (number->point <= type.modifiers[0] - scale && decimals <= scale);
}

bool FitsInteger(const std::string& text, const char* low, const char* high) {
  const std::size_t digits = text.starts_with("-") ? 1 : 0;
  if (text.size() == digits || text.find_first_not_of("0123456789", digits) != std::string::npos) return false;
  const auto number = *ParseNumber(text);
  return CompareNumbers(number, *ParseNumber(low)) >= 0 && CompareNumbers(number, *ParseNumber(high)) <= 0;
}

bool FitsBase(const ColumnType& type, const std::string& text) {
  if (type.base == "smallint") return FitsInteger(text, "-32768", "32767");
  if (type.base == "integer") return FitsInteger(text, "-2147483648", "2147483647");
  if (type.base == "bigint") return FitsInteger(text, "-9223372036854775808", "9223372036854775807");
  if (type.base == "oid") return FitsInteger(text, "0", "4294967295");
  if (type.base == "numeric") return FitsNumeric(type, text);
  if (type.base == "json" || type.base == "jsonb") return nlohmann::json::accept(text);
  if (type.base.starts_with("time ")) return IsTimeOfDay(text);
  switch (FamilyOf(type)) {
    case ValueFamily::kNumber:
    case ValueFamily::kFloat: return ParseNumber(text).has_value();
    case ValueFamily::kBoolean: return text == "t" || text == "f";
    case ValueFamily::kDate: return IsPlainTime(text) && (text.size() == 10 || text.ends_with("infinity"));
    case ValueFamily::kTimestamp: return IsPlainTime(text);
    case ValueFamily::kUuid:
      return text.size() == 36 && text.find_first_not_of("0123456789abcdefABCDEF-") == std::string::npos;
    case ValueFamily::kText:
    case ValueFamily::kPadded:
    case ValueFamily::kCaseless:
      if (type.base == "name") return text.size() <= 63;
      if (type.base == "\"char\"") return text.size() <= 1;
      return type.modifiers.empty() || CountCharacters(text) <= static_cast<std::size_t>(type.modifiers[0]);
    default: return true;
  }
}

}  // namespace

const ColumnType& Unwrapped(const ColumnType& type) {
  return type.form == Form::kDomain && type.element ? Unwrapped(*type.element) : type;
}

ValueFamily FamilyOf(const ColumnType& domain) {
  const ColumnType& type = Unwrapped(domain);
  if (type.form == Form::kEnum) return ValueFamily::kEnum;
  if (type.form != Form::kBase) return ValueFamily::kOther;
  for (const char* name : {"smallint", "integer", "bigint", "numeric", "oid", "money"}) {
    if (type.base == name) return ValueFamily::kNumber;
  }
  for (const char* name : {"text", "character varying", "name", "\"char\""}) {
    if (type.base == name) return ValueFamily::kText;
  }
  if (type.base == "real" || type.base == "double precision") return ValueFamily::kFloat;
  if (type.base == "boolean") return ValueFamily::kBoolean;
  if (type.base == "character" || type.base == "bpchar") return ValueFamily::kPadded;
  if (type.base == "date") return ValueFamily::kDate;
  if (type.base.starts_with("timestamp ")) return ValueFamily::kTimestamp;
  if (type.base == "uuid") return ValueFamily::kUuid;
  if (BareName(type) == "citext") return ValueFamily::kCaseless;
  return ValueFamily::kOther;
}

std::optional<int> Order(const TypedText& left, const TypedText& right) {
  switch (CommonFamily(left, right)) {
    case ValueFamily::kNumber: {
      const auto a = ParseNumber(left.text);
      const auto b = ParseNumber(right.text);
      if (!a || !b) return std::nullopt;
      return CompareNumbers(*a, *b);
    }
    case ValueFamily::kFloat: return OrderOfFloats(left.text, right.text);
    case ValueFamily::kBoolean: return OrderOfTexts(left.text.substr(0, 1), right.text.substr(0, 1));
    case ValueFamily::kDate:
    case ValueFamily::kTimestamp: return OrderOfMoments(MomentOf(left.text), MomentOf(right.text));
    case ValueFamily::kUuid: return OrderOfTexts(Folded(left.text), Folded(right.text));
    case ValueFamily::kEnum: {
      const ColumnType* type = left.type != nullptr ? left.type : right.type;
      return type == nullptr ? std::nullopt : OrderOfLabels(*type, left.text, right.text);
    }
    default: return AreEqual(left, right).value_or(false) ? std::optional(0) : std::nullopt;
  }
}

std::optional<bool> AreEqual(const TypedText& left, const TypedText& right) {
  switch (CommonFamily(left, right)) {
    case ValueFamily::kText: return left.text == right.text;
    case ValueFamily::kPadded: return WithoutPadding(left.text) == WithoutPadding(right.text);
    case ValueFamily::kCaseless:
      if (Folded(left.text) == Folded(right.text)) return true;
      return IsAscii(left.text) && IsAscii(right.text) ? std::optional(false) : std::nullopt;
    case ValueFamily::kEnum: return left.text == right.text;
    case ValueFamily::kOther:
    case ValueFamily::kUntyped: return left.text == right.text ? std::optional(true) : std::nullopt;
    default: {
      const auto order = Order(left, right);
      if (!order) return std::nullopt;
      return *order == 0;
    }
  }
}

std::optional<std::string> Calculate(const std::string& left, char operation, const std::string& right) {
  auto a = ParseScaled(left);
  auto b = ParseScaled(right);
  if (!a || !b) return std::nullopt;
  if (operation == '*') {
    if (std::llabs(a->units) > 1'000'000'000 || std::llabs(b->units) > 1'000'000'000) return std::nullopt;
    return TextOf({a->units * b->units, a->scale + b->scale});
  }
  const int scale = std::max(a->scale, b->scale);
  if (!Rescale(*a, scale) || !Rescale(*b, scale)) return std::nullopt;
  return TextOf({operation == '+' ? a->units + b->units : a->units - b->units, scale});
}

bool Fits(const ColumnType& type, const std::string& text) {
  switch (type.form) {
    case Form::kDomain: return Fits(*type.element, text);
    case Form::kEnum: return std::find(type.labels.begin(), type.labels.end(), text) != type.labels.end();
    case Form::kBase: return FitsBase(type, text);
    // With bounds or without (manual, "Array Input and Output Syntax").
    case Form::kArray: return (text.starts_with("{") || text.starts_with("[")) && text.ends_with("}");
    default: return true;
  }
}

std::vector<std::string> Beside(const ColumnType& domain, const std::string& text) {
  const ColumnType& type = Unwrapped(domain);
  switch (FamilyOf(type)) {
    case ValueFamily::kNumber: {
      if (type.base == "money") return NumbersBeside(text, {"0.01"});
      if (type.base != "numeric") return NumbersBeside(text, {"1"});
      if (type.modifiers.empty()) return NumbersBeside(text, {"0.01", "1"});
      const int scale = type.modifiers.size() > 1 ? type.modifiers[1] : 0;
      return NumbersBeside(text, {TextOf({1, std::max(scale, 0)})});
    }
    case ValueFamily::kFloat: return NumbersBeside(text, {"0.001", "1"});
    case ValueFamily::kText:
    case ValueFamily::kPadded:
    case ValueFamily::kCaseless: return TextsBeside(text);
    case ValueFamily::kDate:
    case ValueFamily::kTimestamp:
      if (!IsPlainTime(text) || text.size() < 10 || text.ends_with("infinity")) return {};
      return DaysBeside(text, text.substr(10));
    default: return {};
  }
}

std::string TextOfLength(std::size_t characters) {
  std::string text;
  for (std::size_t i = 0; i < characters; ++i) text += static_cast<char>('a' + i % 26);
  return text;
}

}  // namespace migproof
