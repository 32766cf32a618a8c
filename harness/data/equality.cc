#include "harness/data/equality.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <string_view>

namespace migproof {

namespace {

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

bool IsPlainNumber(const std::string& text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && (text[0] != '0' || text.size() == 1) && std::all_of(text.begin(), text.end(), is_digit);
}

// "-0012.500" and "-12.5" are one; so are 0 and -0. Exponents are left alone.
std::string PlainNumber(std::string text) {
  if (IsPlainNumber(text)) return text;
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (negative || text[0] == '+')) text.erase(0, 1);
  if (text.find_first_not_of("0123456789.") != std::string::npos) return Lower((negative ? "-" : "") + text);
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
  }
  text.erase(0, std::min(text.find_first_not_of('0'), text.size()));
  if (text.empty() || text[0] == '.') text = "0" + text;
  return (negative && text != "0" ? "-" : "") + text;
}

}  // namespace

Equality EqualityOf(const ColumnType& type) {
  static const std::map<std::string_view, Equality> kKnown = {
      {"smallint", Equality::kNumber},  {"integer", Equality::kNumber},
      {"bigint", Equality::kNumber},    {"numeric", Equality::kNumber},
      {"real", Equality::kNumber},      {"oid", Equality::kNumber},
      {"boolean", Equality::kBoolean},  {"double precision", Equality::kNumber},
      {"character", Equality::kPadded}, {"bpchar", Equality::kPadded},
      {"uuid", Equality::kUuid}};
  const ColumnType& plain = BelowDomains(type);
  if (plain.form != ColumnType::Form::kBase) return Equality::kSameText;
  if (const auto known = kKnown.find(plain.base); known != kKnown.end()) return known->second;
  return plain.base.find("citext") == std::string::npos ? Equality::kSameText : Equality::kCaseless;
}

std::string EqualityText(Equality equality, const std::string& value) {
  switch (equality) {
    case Equality::kSameText: return value;
    case Equality::kNumber: return PlainNumber(value);
    case Equality::kBoolean: return std::string(1, value.empty() ? 'f' : static_cast<char>(std::tolower(value[0])));
    case Equality::kPadded: return value.substr(0, value.find_last_not_of(' ') + 1);
    case Equality::kCaseless: return Lower(value);
    case Equality::kUuid: {
      std::string text = Lower(value);
      std::erase_if(text, [](char c) { return c == '-' || c == '{' || c == '}'; });
      return text;
    }
  }
  return value;
}

}  // namespace migproof
