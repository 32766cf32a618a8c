// The words, literals and numbers of a statement, bodies included: enough to tell what it speaks of, not what it says.
//
//   const StatementWords words = WordsOf("UPDATE t SET a = 'x' WHERE \"B\" > 3");
//   words.Has("t"); words.literals == {"x"}; words.numbers == {"3"};
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace migproof {

struct StatementWords {
  // Names and keywords: lower case where unquoted, as they stand where quoted.
  std::set<std::string> words;
  std::vector<std::string> literals;  // of strings, each once, in order
  std::vector<std::string> numbers;   // likewise
  // Names of types that something is cast to, by "::" or CAST: "int", "varchar".
  std::vector<std::string> casts;
  bool calculates = false;  // + - * / or % between words, numbers or parentheses

  bool Has(const std::string& word) const { return words.contains(word); }
};

// What stands between dollar quotes is read like the rest: a body is code more often than not. So is a string that
// begins as a statement does, what EXECUTE is given: it is a literal as well.
StatementWords WordsOf(std::string_view statement);
std::vector<StatementWords> WordsOfStatements(const std::vector<std::string>& statements);

}  // namespace migproof
