// The words of Liquibase's formatted SQL: what stands behind "--" on a line, and the expressions in it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "migrations/error.h"

namespace migproof {

bool IsLiquibaseBlank(char c);
std::string_view TrimLiquibase(std::string_view text);
// ASCII letters only.
std::string LowerLiquibase(std::string_view text);

// "--word rest" of a comment line.
struct LiquibaseMark {
  std::string word;  // lower case
  std::string_view rest;
  bool attached = false;  // no blank between "--" and the word
};

// Of a line; nothing where it is no comment, or one that begins with no word.
std::optional<LiquibaseMark> LiquibaseMarkOf(std::string_view line);

// A word up to one of `until`, or what stands in quotes; takes it from `text`.
std::string TakeLiquibaseWord(std::string_view& text, std::string_view until);

// "a:1 b:"x y"" as pairs, in order. Error(history) at `where` for what is no pair.
std::vector<std::pair<std::string, std::string>> TakeLiquibaseAttributes(std::string_view text,
                                                                         const SourceLocation& where);

// "true" or "false" in any case; Error(history) at `where` for anything else.
bool LiquibaseFlag(const std::string& key, const std::string& value, const SourceLocation& where);

// Whether a "dbms:" list ("postgresql, !h2") takes PostgreSQL in.
bool IsForPostgres(const std::string& dbms);

// Whether the first line that is not blank is "--liquibase formatted sql".
bool IsLiquibaseSql(std::string_view text);

// "test and !prod", "a, b" of a changeset, with these contexts asked for; none asked for: true. Error(history) for what
// is no expression.
bool LiquibaseContextMatches(const std::string& expression, const std::vector<std::string>& contexts,
                             const SourceLocation& where);

}  // namespace migproof
