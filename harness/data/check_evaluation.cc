#include "harness/data/check_evaluation.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "harness/data/literal_parts.h"
#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

using Kind = CheckExpression::Kind;
using State = CheckValue::State;

CheckValue Null() { return {State::kNull, {}}; }
CheckValue Truth(bool holds) { return {State::kValue, {holds ? "t" : "f", ValueFamily::kBoolean}}; }
CheckValue Truth(const std::optional<bool>& holds) { return holds ? Truth(*holds) : CheckValue(); }
CheckValue Count(std::size_t count) { return {State::kValue, {std::to_string(count), ValueFamily::kNumber}}; }
// Of an operation on the sides' integers; one that overflows is refused by the server before any CHECK has its say.
CheckValue Result(const std::string& number, const TypedText& left, const TypedText& right) {
  for (const TypedText* side : {&left, &right}) {
    const bool integer = side->type != nullptr && side->type->base != "numeric" && side->type->base != "money";
    if (integer && !Fits(*side->type, number)) return {};
  }
  return {State::kValue, {number, ValueFamily::kNumber, left.type != nullptr ? left.type : right.type}};
}

CheckValue Text(std::string text) { return {State::kValue, {std::move(text), ValueFamily::kText}}; }

CheckValue Not(const CheckValue& value) {
  if (value.state != State::kValue) return value;
  return Truth(value.IsFalse());
}

// btrim, ltrim, rtrim; of spaces where `characters` is not given.
std::string Trimmed(const std::string& name, std::string text, const std::string& characters) {
  if (name != "ltrim") text.erase(text.find_last_not_of(characters) + 1);
  if (name != "rtrim") text.erase(0, std::min(text.find_first_not_of(characters), text.size()));
  return text;
}

bool IsTrim(const std::string& name) { return name == "btrim" || name == "ltrim" || name == "rtrim"; }

std::optional<std::string> AsciiCase(const std::string& name, std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 128) return std::nullopt;
    c = static_cast<char>(name == "lower" ? std::tolower(byte) : std::toupper(byte));
  }
  return text;
}

std::optional<std::string> KindOfJson(const std::string& text) {
  const std::size_t start = text.find_first_not_of(" \t\n\r");
  if (start == std::string::npos) return std::nullopt;
  switch (text[start]) {
    case '{': return "object";
    case '[': return "array";
    case '"': return "string";
    case 'n': return "null";
    case 't':
    case 'f': return "boolean";
    default: return "number";
  }
}

std::optional<std::size_t> LengthOf(const std::string& name, const TypedText& argument) {
  if (name == "cardinality" || name == "array_length") {
    const auto parts = PartsOfArray(argument.text, ',');
    return parts ? std::optional(parts->size()) : std::nullopt;
  }
  // Bytes, as the server writes them: \x and two digits for each.
  const bool hex = argument.text.starts_with("\\x") &&
                   argument.text.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string::npos;
  if (argument.family == ValueFamily::kOther && hex && name.ends_with("length") && !name.starts_with("char")) {
    return (argument.text.size() - 2) / 2;
  }
  const bool text = argument.family == ValueFamily::kText || argument.family == ValueFamily::kPadded ||
                    argument.family == ValueFamily::kCaseless || argument.family == ValueFamily::kUntyped;
  if (!text) return std::nullopt;
  // The padding of character(n) does not count as characters.
  const bool padded = argument.family == ValueFamily::kPadded;
  if (padded && name == "octet_length") return std::nullopt;
  const std::string counted = padded ? Trimmed("rtrim", argument.text, " ") : argument.text;
  return name == "octet_length" ? counted.size() : CountCharacters(counted);
}

}  // namespace

std::optional<std::string> PatternOperator(const std::string& operation) {
  const std::string positive = operation.starts_with("!") ? operation.substr(1) : operation;
  static const std::set<std::string> operators = {"~", "~*", "~~", "~~*"};
  return operators.count(positive) != 0 ? std::optional(positive) : std::nullopt;
}

bool IsLengthFunction(const std::string& name) {
  static const std::set<std::string> names = {"length",       "char_length", "character_length",
                                              "octet_length", "cardinality", "array_length"};
  return names.count(name) != 0;
}

bool IsKnownFunction(const std::string& name) {
  static const std::set<std::string> names = {"and",         "or",
                                              "not",         "is null",
                                              "is true",     "is false",
                                              "is distinct", "=",
                                              "<>",          "<",
                                              "<=",          ">",
                                              ">=",          "+",
                                              "-",           "*",
                                              "num_nulls",   "num_nonnulls",
                                              "coalesce",    "lower",
                                              "upper",       "abs",
                                              "btrim",       "ltrim",
                                              "rtrim",       "jsonb_typeof",
                                              "json_typeof"};
  return names.count(name) != 0 || IsLengthFunction(name) || PatternOperator(name);
}

ValueFamily FamilyOfName(const std::string& type_name) {
  ColumnType type;
  type.name = type.base = type_name.substr(0, type_name.find('('));
  if (type_name.find(") with") != std::string::npos) type.base += type_name.substr(type_name.find(')') + 1);
  return FamilyOf(type);
}

CheckValue CheckEvaluator::Evaluate(const CheckExpression& expression) const {
  switch (expression.kind) {
    case Kind::kColumn: return Column(expression.text);
    case Kind::kLiteral: return {State::kValue, {expression.text}};
    case Kind::kNull: return Null();
    case Kind::kCast: return Cast(expression);
    case Kind::kCall: return Call(expression);
    case Kind::kAny:
    case Kind::kAll: return Quantified(expression);
    default: return {};
  }
}

CheckValue CheckEvaluator::Column(const std::string& name) const {
  const auto cell = row_.find(name);
  const auto column = columns_.find(name);
  if (cell == row_.end() || column == columns_.end()) return {};
  if (!cell->second) return Null();
  const ColumnType& type = Unwrapped(column->second.type);
  return {State::kValue, {*cell->second, FamilyOf(type), &type}};
}

CheckValue CheckEvaluator::Cast(const CheckExpression& cast) const {
  CheckValue value = Evaluate(cast.parts[0]);
  if (value.state != State::kValue) return value;
  const ValueFamily from = value.value.family;
  const ValueFamily to = FamilyOfName(cast.text);
  // A literal takes the type; one of a type we do not know may be an enum's label.
  if (from == ValueFamily::kUntyped) {
    if (to != ValueFamily::kOther) value.value.family = to;
    return value;
  }
  if (from == to && cast.text.find('(') == std::string::npos) return value;
  const bool texts = from == ValueFamily::kText || from == ValueFamily::kPadded || from == ValueFamily::kCaseless;
  const bool to_text = to == ValueFamily::kText && cast.text.find('(') == std::string::npos;
  if ((texts || from == ValueFamily::kEnum) && to_text) {
    if (from == ValueFamily::kPadded) value.value.text = Trimmed("rtrim", value.value.text, " ");
    value.value.family = ValueFamily::kText;
    return value;
  }
  if (from == ValueFamily::kBoolean && (cast.text == "integer" || cast.text == "int")) {
    return Count(value.value.text == "t" ? 1 : 0);
  }
  // To a wider number, or to one whose rounding is the same.
  if (from == ValueFamily::kNumber && (cast.text == "numeric" || to == ValueFamily::kFloat)) {
    value.value.family = to;
    return value;
  }
  return {};
}

CheckValue CheckEvaluator::Call(const CheckExpression& call) const {
  const std::string& name = call.text;
  if (name == "and" || name == "or") return Connected(call);
  if (name == "num_nulls" || name == "num_nonnulls") return CountOfNulls(call);
  if (name == "coalesce") return Coalesce(call);
  if (call.parts.empty() || call.parts.size() > 2) return {};
  const CheckValue first = Evaluate(call.parts[0]);
  if (name == "not") return Not(first);
  if (name == "is null") return first.state == State::kUnknown ? first : Truth(first.state == State::kNull);
  if (name == "is true") return first.state == State::kUnknown ? first : Truth(first.IsTrue());
  if (name == "is false") return first.state == State::kUnknown ? first : Truth(first.IsFalse());
  if (call.parts.size() == 1) return first.state == State::kValue ? OfOne(name, first.value) : first;
  const CheckValue second = Evaluate(call.parts[1]);
  if (first.state == State::kUnknown || second.state == State::kUnknown) return {};
  const bool null = first.state == State::kNull || second.state == State::kNull;
  if (name == "is distinct") {
    if (null) return Truth(first.state != second.state);
    return Not(Truth(AreEqual(first.value, second.value)));
  }
  return null ? Null() : OfTwo(name, first.value, second.value);
}

CheckValue CheckEvaluator::Connected(const CheckExpression& call) const {
  const bool any = call.text == "or";
  CheckValue result = Truth(!any);
  for (const CheckExpression& part : call.parts) {
    const CheckValue value = Evaluate(part);
    if (any ? value.IsTrue() : value.IsFalse()) return value;
    if (result.state == State::kUnknown) continue;
    if (value.state != State::kValue) result = value;
  }
  return result;
}

CheckValue CheckEvaluator::CountOfNulls(const CheckExpression& call) const {
  std::size_t nulls = 0;
  for (const CheckExpression& part : call.parts) {
    const CheckValue value = Evaluate(part);
    if (value.state == State::kUnknown) return {};
    if (value.state == State::kNull) ++nulls;
  }
  return Count(call.text == "num_nulls" ? nulls : call.parts.size() - nulls);
}

CheckValue CheckEvaluator::Coalesce(const CheckExpression& call) const {
  for (const CheckExpression& part : call.parts) {
    const CheckValue value = Evaluate(part);
    if (value.state != State::kNull) return value;
  }
  return Null();
}

CheckValue CheckEvaluator::OfOne(const std::string& name, const TypedText& argument) const {
  if (IsLengthFunction(name)) {
    const auto length = LengthOf(name, argument);
    return length ? Count(*length) : CheckValue();
  }
  const bool text = argument.family == ValueFamily::kText;
  if (text && IsTrim(name)) return Text(Trimmed(name, argument.text, " "));
  if (text && (name == "lower" || name == "upper")) {
    const auto changed = AsciiCase(name, argument.text);
    return changed ? Text(*changed) : CheckValue();
  }
  if (name == "abs" && argument.family == ValueFamily::kNumber) {
    const std::string& digits = argument.text;
    return Result(digits.starts_with("-") ? digits.substr(1) : digits, argument, argument);
  }
  if (name == "jsonb_typeof" || name == "json_typeof") {
    const auto kind = KindOfJson(argument.text);
    return kind ? Text(*kind) : CheckValue();
  }
  return {};
}

CheckValue CheckEvaluator::OfTwo(const std::string& name, const TypedText& left, const TypedText& right) const {
  if (const auto pattern = PatternOperator(name)) {
    const auto found = patterns_.find({*pattern, right.text});
    const bool caseless = left.family == ValueFamily::kCaseless && name.ends_with("*");
    const bool text = left.family == ValueFamily::kText || left.family == ValueFamily::kUntyped || caseless;
    if (found == patterns_.end() || !found->second || !text) return {};
    const CheckValue matches = Truth(found->second->Matches(left.text));
    return name.starts_with("!") ? Not(matches) : matches;
  }
  if (name == "=") return Truth(AreEqual(left, right));
  if (name == "<>") return Not(Truth(AreEqual(left, right)));
  if (name == "array_length" && right.text == "1") {
    const auto length = LengthOf(name, left);
    if (length == 0U) return Null();
    return length ? Count(*length) : CheckValue();
  }
  if (IsTrim(name) && left.family == ValueFamily::kText) return Text(Trimmed(name, left.text, right.text));
  if (name == "+" || name == "-" || name == "*") {
    const auto exact = [](const TypedText& side) {
      return side.family == ValueFamily::kNumber || side.family == ValueFamily::kUntyped;
    };
    const auto result = exact(left) && exact(right) ? Calculate(left.text, name[0], right.text) : std::nullopt;
    return result ? Result(*result, left, right) : CheckValue();
  }
  static const std::set<std::string> orders = {"<", "<=", ">", ">="};
  if (orders.count(name) == 0) return {};
  const auto order = Order(left, right);
  if (!order) return {};
  if (*order == 0) return Truth(name.ends_with("="));
  return Truth((*order < 0) == name.starts_with("<"));
}

CheckValue CheckEvaluator::Quantified(const CheckExpression& expression) const {
  const CheckExpression* array = &expression.parts[1];
  while (array->kind == Kind::kCast) array = &array->parts[0];
  if (array->kind != Kind::kArray) return QuantifiedOver(expression, Evaluate(*array));
  CheckExpression each{Kind::kCall, expression.kind == Kind::kAny ? "or" : "and", {}};
  for (const CheckExpression& element : array->parts) {
    each.parts.push_back({Kind::kCall, expression.text, {expression.parts[0], element}});
  }
  return Connected(each);
}

// The array is a column's.
CheckValue CheckEvaluator::QuantifiedOver(const CheckExpression& expression, const CheckValue& array) const {
  const ColumnType* type = array.value.type;
  const bool known = array.state == State::kValue && type != nullptr && type->form == ColumnType::Form::kArray;
  const auto parts = known ? PartsOfArray(array.value.text, ',') : std::nullopt;
  if (!parts) return array.state == State::kNull ? array : CheckValue();
  const CheckValue left = Evaluate(expression.parts[0]);
  if (left.state == State::kUnknown) return {};
  const bool any = expression.kind == Kind::kAny;
  CheckValue result = Truth(!any);
  for (const Cell& part : *parts) {
    CheckValue value = Null();
    if (part && left.state == State::kValue) {
      const ColumnType& element = Unwrapped(*type->element);
      value = OfTwo(expression.text, left.value, {*part, FamilyOf(element), &element});
    }
    if (any ? value.IsTrue() : value.IsFalse()) return value;
    if (value.state != State::kValue && result.state != State::kUnknown) result = value;
  }
  return result;
}

}  // namespace migproof
