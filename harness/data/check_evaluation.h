// The value of a CHECK's expression over a row, as far as it can be known without a server.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "harness/data/check_expression.h"
#include "harness/data/check_solver.h"
#include "harness/data/check_values.h"
#include "harness/data/simple_regex.h"

namespace migproof {

struct CheckValue {
  enum class State { kUnknown, kNull, kValue };
  State state = State::kUnknown;
  TypedText value;

  bool IsTrue() const { return state == State::kValue && value.text == "t"; }
  bool IsFalse() const { return state == State::kValue && value.text == "f"; }
};

// Patterns by operator and text, parsed once: {"~*", "^a+$"}. Nothing: not of simple shape.
using CheckPatterns = std::map<std::pair<std::string, std::string>, std::optional<SimpleRegex>>;

// The pattern of ~ and its kin less the negation: "!~*" is {"~*", ...}. Nothing for other operators.
std::optional<std::string> PatternOperator(const std::string& operation);

// Whether `name` is a function that counts something of a text or array: length, cardinality ...
bool IsLengthFunction(const std::string& name);

// Whether Evaluate knows the function or operator.
bool IsKnownFunction(const std::string& name);

// The family that a cast to the type gives.
ValueFamily FamilyOfName(const std::string& type_name);

class CheckEvaluator {
 public:
  CheckEvaluator(const CheckColumns& columns, const CheckRow& row, const CheckPatterns& patterns)
      : columns_(columns), row_(row), patterns_(patterns) {}

  CheckValue Evaluate(const CheckExpression& expression) const;

 private:
  CheckValue Column(const std::string& name) const;
  CheckValue Cast(const CheckExpression& cast) const;
  CheckValue Call(const CheckExpression& call) const;
  CheckValue Connected(const CheckExpression& call) const;
  CheckValue CountOfNulls(const CheckExpression& call) const;
  CheckValue Coalesce(const CheckExpression& call) const;
  CheckValue OfOne(const std::string& name, const TypedText& argument) const;
  CheckValue OfTwo(const std::string& name, const TypedText& left, const TypedText& right) const;
  CheckValue Quantified(const CheckExpression& expression) const;
  CheckValue QuantifiedOver(const CheckExpression& expression, const CheckValue& array) const;

  const CheckColumns& columns_;
  const CheckRow& row_;
  const CheckPatterns& patterns_;
};

}  // namespace migproof
