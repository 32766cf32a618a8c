#include <algorithm>
#include <cctype>

#include "harness/data/aim_tools.h"
#include "harness/data/check_values.h"

namespace migproof {

namespace {

std::string Cased(std::string text, int (*cased)(int)) {
  for (char& c : text) {
    if ((c & 0x80) == 0) c = static_cast<char>(cased(static_cast<unsigned char>(c)));
  }
  return text;
}

// What functions take apart: with the separator, without, and with two.
void AddPieces(const NamedColumns& named, const std::string& literal, std::vector<std::string>& values) {
  constexpr std::size_t kSeparator = 3;
  for (const char* function : {"split_part", "position", "strpos", "string_to_array", "substring", "regexp_replace",
                               "replace", "translate", "regexp_match", "concat", "concat_ws", "like", "ilike"}) {
    if (!named.words.contains(function) || literal.size() > kSeparator) continue;
    values.insert(values.end(),
                  {"a" + literal + "b", "a" + literal + "b" + literal + "c", "ab", literal, "a" + literal});
    return;
  }
}

std::vector<std::string> TextsFor(const NamedColumns& named) {
  std::vector<std::string> values;
  for (const std::string& literal : named.literals) {
    values.insert(values.end(), {literal, Cased(literal, std::tolower), Cased(literal, std::toupper)});
    AddPieces(named, literal, values);
  }
  for (const char* function : {"lower", "upper", "initcap", "citext"}) {
    if (named.words.contains(function)) values.insert(values.end(), {"ab", "AB", "Ab"});
  }
  for (const char* function : {"trim", "btrim", "ltrim", "rtrim"}) {
    if (named.words.contains(function)) values.insert(values.end(), {" a ", "a"});
  }
  if (named.words.contains("join") || named.words.contains("concat") || named.words.contains("||")) {
    values.emplace_back(" ");
  }
  values.emplace_back("");
  return values;
}

class NamedValues : public Aim {
 public:
  std::string_view Summary() const override {
    return "columns that a statement names hold the literals beside them, those in other case, '' and NULL";
  }

  void Propose(const AimInput& input, Targets& targets) const override {
    Proposal proposal(input, targets);
    for (const NamedColumns& named : NamedInStatements(input)) {
      const CheckColumns columns = CheckColumnsOf(input.before, named.table);
      for (const std::string& column : named.columns) Put(named, column, columns.at(column), proposal);
    }
  }

 private:
  static void Put(const NamedColumns& named, const std::string& column, const CheckColumn& shape, Proposal& proposal) {
    constexpr std::size_t kMost = 24;
    const ColumnType& type = Unwrapped(shape.type);
    std::vector<std::string> values;
    if (IsText(type)) {
      values = TextsFor(named);
    } else if (type.form == ColumnType::Form::kEnum) {
      values = named.literals;
    } else if (IsNumber(type)) {
      for (const std::string& number : named.numbers) {
        values.push_back(number);
        const std::vector<std::string> beside = Beside(type, number);
        values.insert(values.end(), beside.begin(), beside.end());
      }
    } else if (FamilyOf(type) == ValueFamily::kDate || FamilyOf(type) == ValueFamily::kTimestamp) {
      for (const std::string& literal : named.literals) {
        if (literal.size() >= 10 && literal.find_first_not_of("0123456789-: +.") == std::string::npos) {
          values.push_back(literal);
        }
      }
    }
    std::size_t put = 0;
    for (const std::string& value : values) {
      if (!Fits(type, value)) continue;
      if (++put > kMost) break;
      proposal.Row(named.table, {{column, value}});
    }
    if (shape.nullable) proposal.Null(named.table, column);
  }
};

const Registered<Aim, NamedValues> kNamedValues("named_values");

}  // namespace

}  // namespace migproof
