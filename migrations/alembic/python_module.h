// What stands at the top level of a Python file, read without running it.
//
//   const PythonModule module = PythonModule::Parse(text, "versions/a1b2_orders.py");
//   module.values.at("revision").texts;       // {"a1b2"}
//   module.functions.at("downgrade").refuses; // its body is nothing but `raise NotImplementedError`
//
// Known are assignments of None, strings, and tuples, lists and sets of strings (names assigned before included), and
// functions. All else is passed over; a value that only running could tell is kOther.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace migproof {

struct PythonValue {
  enum class Kind { kNone, kText, kTexts, kOther };
  Kind kind = Kind::kOther;
  std::vector<std::string> texts;  // one for kText
  int line = 0;                    // from 1
};

struct PythonFunction {
  int line = 0;                       // of `def`
  bool refuses = false;               // its body, a docstring left out, begins with raise NotImplementedError
  std::string refusal;                // what it says then
  std::vector<std::string> literals;  // the strings in its body
};

struct PythonModule {
  std::string docstring;
  std::map<std::string, PythonValue> values;  // by name; the last assignment counts
  std::map<std::string, PythonFunction> functions;
  std::vector<std::pair<std::string, int>> comments;  // from behind the "#", and the line
  // Every "name=value" of a call's arguments anywhere, where the value is a string: configure(version_table="v").
  std::map<std::string, std::string> keywords;

  // Error(history) with the line for what Python's own lexer would refuse: a string or bracket that is not closed.
  // Time is linear in the text.
  static PythonModule Parse(std::string_view text, const std::string& file);
};

}  // namespace migproof
