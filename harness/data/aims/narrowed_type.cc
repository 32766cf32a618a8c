#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "harness/data/aim_tools.h"
#include "harness/data/check_values.h"
#include "harness/data/literal_parts.h"

namespace migproof {

namespace {

using Values = std::vector<std::string>;

void AddTexts(const ColumnType& is, Values& values) {
  if (is.modifiers.empty()) return;
  const auto most = static_cast<std::size_t>(std::max(is.modifiers[0], 0));
  values.insert(values.end(), {TextOfLength(most), TextOfLength(most + 1)});
}

void AddBits(const ColumnType& is, Values& values) {
  const std::size_t most = is.modifiers.empty() ? 1 : static_cast<std::size_t>(std::max(is.modifiers[0], 1));
  values.insert(values.end(), {std::string(most, '1'), std::string(most + 1, '1')});
}

void AddIntegers(const ColumnType& is, Values& values) {
  if (is.base == "smallint") values.insert(values.end(), {"32767", "32768", "-32768", "-32769", "32767.5"});
  if (is.base == "integer") {
    values.insert(values.end(), {"2147483647", "2147483648", "-2147483648", "-2147483649", "2147483647.5"});
  }
  if (is.base == "bigint") values.insert(values.end(), {"9223372036854775807", "9223372036854775808", "1e19"});
  if (is.base == "oid") values.insert(values.end(), {"4294967295", "4294967296", "-1"});
  values.insert(values.end(), {"0.5", "1.5", "NaN", "Infinity", "-Infinity"});
}

// 99.99, 100, and what rounds up to 100.
void AddNumerics(const ColumnType& is, Values& values) {
  values.insert(values.end(), {"NaN", "Infinity", "-Infinity"});
  if (is.modifiers.empty()) return;
  const int scale = is.modifiers.size() > 1 ? is.modifiers[1] : 0;
  const int whole = is.modifiers[0] - scale;
  if (whole < 0 || scale < 0) return;
  const std::string nines(static_cast<std::size_t>(whole), '9');
  const std::string fraction(static_cast<std::size_t>(scale), '9');
  const std::string largest = (nines.empty() ? "0" : nines) + "." + fraction;
  const std::string beyond = "1" + std::string(static_cast<std::size_t>(whole), '0');
  values.insert(values.end(), {largest + "5", beyond, "-" + beyond, "0." + std::string(fraction.size(), '0') + "5"});
  values.push_back(fraction.empty() ? nines : largest);
}

void AddFloats(const ColumnType& is, Values& values) {
  if (is.base == "real") values.insert(values.end(), {"1e39", "-1e39", "1e-46", "16777217", "0.1234567890123"});
  values.insert(values.end(), {"9007199254740993", "0.1"});
}

void AddTimes(const ColumnType& is, Values& values) {
  values.insert(values.end(), {"2024-12-31 23:59:59.999999", "infinity", "-infinity", "0044-03-15 BC", "294276-12-31"});
  // Days go on for longer than moments do.
  values.insert(values.end(), {"294277-01-01", "5874897-12-31"});
  if (is.base.starts_with("time")) values.insert(values.end(), {"23:59:59.999999", "12:00:00.5"});
}

Values ValuesFor(const ColumnType& is) {
  Values values;
  switch (FamilyOf(is)) {
    case ValueFamily::kText:
    case ValueFamily::kPadded: AddTexts(is, values); break;
    case ValueFamily::kNumber: is.base == "numeric" ? AddNumerics(is, values) : AddIntegers(is, values); break;
    case ValueFamily::kFloat: AddFloats(is, values); break;
    case ValueFamily::kDate:
    case ValueFamily::kTimestamp: AddTimes(is, values); break;
    default:
      if (is.base.starts_with("time")) AddTimes(is, values);
      if (is.base.starts_with("bit")) AddBits(is, values);
  }
  return values;
}

bool IsBeyondMoments(const std::string& value) { return value.starts_with("294277") || value.starts_with("5874897"); }

// Whether the old type takes the value, as far as its family goes.
bool Takes(const ColumnType& was, const std::string& value) {
  const bool number =
      value.find_first_not_of("-.0123456789e") == std::string::npos || value == "NaN" || value.ends_with("Infinity");
  const bool time = value.find_first_of(":-") != std::string::npos || value.ends_with("infinity");
  switch (FamilyOf(was)) {
    case ValueFamily::kNumber: return number && Fits(was, value);
    case ValueFamily::kFloat: return number;
    case ValueFamily::kDate: return time && !value.starts_with("23:") && !value.starts_with("12:");
    case ValueFamily::kTimestamp: return time && Fits(was, value) && !IsBeyondMoments(value);
    default: return Fits(was, value);
  }
}

class NarrowedType : public Aim {
 public:
  std::string_view Summary() const override {
    return "a type that takes less meets the last value that fits, and the first that does not";
  }

  void Propose(const AimInput& input, Targets& targets) const override {
    Proposal proposal(input, targets);
    for (const ColumnChange& change : ChangedTypes(input)) {
      const bool arrays = change.was.form == ColumnType::Form::kArray && change.is.form == ColumnType::Form::kArray;
      const ColumnType& was = Unwrapped(arrays ? *change.was.element : change.was);
      const ColumnType& is = Unwrapped(arrays ? *change.is.element : change.is);
      for (const std::string& value : ValuesFor(is)) {
        if (!Takes(was, value)) continue;
        proposal.Row(change.table, {{change.column, arrays ? ArrayOf({value}, ',') : value}});
      }
    }
  }
};

const Registered<Aim, NarrowedType> kNarrowedType("narrowed_type");

}  // namespace

}  // namespace migproof
