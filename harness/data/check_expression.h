// The expression of a CHECK constraint, parsed from the text that pg_get_constraintdef writes.
//
//   const CheckExpression e = ParseCheck("CHECK ((price > (0)::numeric))");
//   // e.kind == kCall, e.text == ">", e.parts == {column price, cast to numeric of literal 0}
//
// The server's text is normalised: operators stand in parentheses, IN is = ANY (ARRAY[...]), BETWEEN two comparisons.
// IN, BETWEEN and LIKE as users write them are read as well, with keywords in capitals.
#pragma once

#include <string>
#include <vector>

namespace migproof {

struct CheckExpression {
  enum class Kind {
    kColumn,   // text: its name, quoted where it needs to be
    kLiteral,  // text: its value
    kNull,
    kCast,   // text: the type; one part
    kCall,   // text: the function or operator ("length", "<=", "and", "not", "is null" ...); its arguments
    kArray,  // ARRAY[...]
    kAny,    // text: the operator; the left side, and the array of which one must fulfil it
    kAll,
    kUnknown,  // what the parser knows no form for
  };

  Kind kind = Kind::kUnknown;
  std::string text;
  std::vector<CheckExpression> parts;
};

// "CHECK (...)", with or without NOT VALID and NO INHERIT behind it. What is not understood becomes kUnknown as a
// whole.
CheckExpression ParseCheck(const std::string& definition);

}  // namespace migproof
