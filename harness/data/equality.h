// When two texts are one value to a type: what a unique key goes by.
#pragma once

#include <string>

#include "harness/data/column_type.h"

namespace migproof {

enum class Equality {
  kSameText,
  kNumber,    // 1.50 and 1.5, 007 and 7, -0 and 0
  kBoolean,   // t and true
  kPadded,    // 'a' and 'a  ' of a char(3)
  kCaseless,  // citext
  kUuid       // with and without hyphens and braces
};

// Of the type that `type` stands on where it is a domain.
Equality EqualityOf(const ColumnType& type);

// The same text for values that are held for equal, as far as their texts tell. Different texts may still be equal to
// the server.
std::string EqualityText(Equality equality, const std::string& value);

}  // namespace migproof
