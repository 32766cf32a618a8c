// Values of column types compared, and those that stand beside them, as far as that can be known without a server.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/data/column_type.h"

namespace migproof {

// How the values of a type compare.
enum class ValueFamily {
  kUntyped,  // a bare literal: takes the family of what it meets
  kNumber,   // exact: integers, numeric, money
  kFloat,    // by their nearest double
  kBoolean,
  kText,      // equal where the same; their order depends on the collation
  kPadded,    // character(n): less spaces at the end
  kCaseless,  // citext
  kDate,
  kTimestamp,
  kUuid,
  kEnum,   // in the order of their labels
  kOther,  // equal where the texts are; otherwise not known
};

// Of a domain that of its base.
ValueFamily FamilyOf(const ColumnType& type);

// The base that a domain, or a domain on a domain, stands on; any other type itself.
const ColumnType& Unwrapped(const ColumnType& type);

struct TypedText {
  std::string text;
  ValueFamily family = ValueFamily::kUntyped;
  const ColumnType* type = nullptr;  // of an enum
};

// Nothing where it is not known.
std::optional<bool> AreEqual(const TypedText& left, const TypedText& right);
// Below, at, above zero.
std::optional<int> Order(const TypedText& left, const TypedText& right);

// left + right, left - right, left * right of plain decimals of up to 17 digits.
std::optional<std::string> Calculate(const std::string& left, char operation, const std::string& right);

// Whether the type itself takes the value as it is: within its limits, its length, its scale; no CHECKs.
bool Fits(const ColumnType& type, const std::string& text);

// Values one step away on both sides, as the type counts: 99 and 101, 99.99 and 100.01, the days before and after.
std::vector<std::string> Beside(const ColumnType& type, const std::string& text);

// A text of so many characters.
std::string TextOfLength(std::size_t characters);

}  // namespace migproof
