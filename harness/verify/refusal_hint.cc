#include "harness/verify/refusal_hint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <vector>

#include "harness/data/definition_text.h"

namespace migproof {

namespace {

// As a declaration writes it: quoted where it must be, the namespace left out where it is public.
std::string QuotedIfNeeded(const std::string& name) {
  const bool plain = !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
                     std::all_of(name.begin(), name.end(), [](unsigned char c) {
                       return (std::islower(c) != 0) || (std::isdigit(c) != 0) || c == '_';
                     });
  if (plain) return name;
  std::string quoted = "\"";
  for (const char c : name) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

std::string TableOf(const SqlFailure& failure, const std::string& name_space) {
  return fmt::format("{}.{}", QuotedIfNeeded(name_space), QuotedIfNeeded(failure.table));
}

std::string DeclaredTable(const std::string& qualified) {
  return qualified.starts_with("public.") ? qualified.substr(7) : qualified;
}

std::string Paste(const std::string& table, const std::string& condition) {
  return fmt::format(
      "mend the rows in the revision before the statement that refuses them; or, where no such row can be there, "
      "declare it: -- migproof: assumes {}: {} \"why\"",
      DeclaredTable(table), condition);
}

// The words and names of a statement, parentheses with what is in them as one.
std::vector<std::string> Tokens(std::string_view text) {
  std::vector<std::string> tokens;
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    std::size_t end = i + 1;
    if (c == '(') {
      Parenthesised(text, i, &end);
      if (end <= i) end = i + 1;
    } else if (c == '"') {
      end = text.find('"', i + 1);
      end = end == std::string_view::npos ? text.size() : end + 1;
    } else if (std::isalnum(c) != 0 || c == '_' || c >= 0x80) {
      while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_' ||
                                   text[end] == '.' || static_cast<unsigned char>(text[end]) >= 0x80)) {
        ++end;
      }
    }
    if (std::isspace(c) == 0) tokens.emplace_back(text.substr(i, end - i));
    i = end;
  }
  return tokens;
}

std::string Upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

std::string FoldedName(std::string name) {
  if (name.starts_with('"')) return Unquoted(name);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name;
}

// The expression of the CHECK called `constraint`, or of the only one there is.
std::string CheckIn(const std::string& statement, const std::string& constraint) {
  const std::vector<std::string> tokens = Tokens(statement);
  std::vector<std::string> found;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (Upper(tokens[i]) != "CHECK" || !tokens[i + 1].starts_with('(')) continue;
    const std::string inside(Trimmed(Parenthesised(tokens[i + 1])));
    if (i > 0 && FoldedName(tokens[i - 1]) == constraint) return inside;
    found.push_back(inside);
  }
  return found.size() == 1 ? found.front() : "";
}

struct Retype {
  std::string table;
  std::string column;
  std::string type;       // upper case: "VARCHAR", "INTEGER"
  std::string modifiers;  // "80", "10,2", ""
};

// The only "ALTER [COLUMN] c [SET DATA] TYPE t" of an ALTER TABLE.
std::optional<Retype> RetypeIn(const std::string& statement) {
  const std::vector<std::string> tokens = Tokens(statement);
  if (tokens.size() < 6 || Upper(tokens[0]) != "ALTER" || Upper(tokens[1]) != "TABLE") return std::nullopt;
  std::size_t at = 2;
  while (at < tokens.size() &&
         (Upper(tokens[at]) == "IF" || Upper(tokens[at]) == "EXISTS" || Upper(tokens[at]) == "ONLY"))
    ++at;
  std::optional<Retype> found;
  for (std::size_t i = at + 2; i + 1 < tokens.size(); ++i) {
    if (Upper(tokens[i]) != "TYPE") continue;
    std::size_t column = i - 1;
    if (Upper(tokens[column]) == "DATA" && column >= 2) column -= 2;
    if (found) return std::nullopt;
    found = Retype{tokens[at], tokens[column], Upper(tokens[i + 1]), ""};
    std::size_t next = i + 2;
    if (found->type == "CHARACTER" && next < tokens.size() && Upper(tokens[next]) == "VARYING") ++next;
    if (next < tokens.size() && tokens[next].starts_with('(')) found->modifiers = Parenthesised(tokens[next]);
  }
  return found;
}

// What a row must be to come under the type; "" where that is not known.
std::string FitsCondition(const Retype& retype, const std::string& sqlstate) {
  const std::string& column = retype.column;
  if (sqlstate == "22001" && !retype.modifiers.empty())
    return fmt::format("length({}) <= {}", column, retype.modifiers);
  const auto is = [&](std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(), [&](const char* name) { return retype.type == name; });
  };
  if (sqlstate == "22003") {
    if (is({"INT", "INTEGER", "INT4"})) return fmt::format("{} BETWEEN -2147483648 AND 2147483647", column);
    if (is({"SMALLINT", "INT2"})) return fmt::format("{} BETWEEN -32768 AND 32767", column);
    if (is({"NUMERIC", "DECIMAL"}) && !retype.modifiers.empty()) {
      const std::vector<std::string> parts = SplitAtCommas(retype.modifiers);
      const std::string scale = parts.size() > 1 ? parts[1] : "0";
      return fmt::format("abs(round({}, {})) < 10 ^ {}", column, scale,
                         std::atoi(parts[0].c_str()) - std::atoi(scale.c_str()));
    }
  }
  if (sqlstate == "22P02") {
    if (is({"INT", "INTEGER", "INT4", "BIGINT", "INT8", "SMALLINT", "INT2"})) {
      return fmt::format("{} ~ '^[-+]?[0-9]{{1,{}}}$'", column,
                         is({"BIGINT", "INT8"})     ? 18
                         : is({"SMALLINT", "INT2"}) ? 4
                                                    : 9);
    }
    if (is({"UUID"})) return fmt::format("{} ~* '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$'", column);
    if (is({"BOOL", "BOOLEAN"})) return fmt::format("lower({}) IN ('true', 'false')", column);
  }
  return "";
}

std::string NotNullHint(const SqlFailure& failure, const Catalog& before) {
  const std::string table = TableOf(failure, failure.schema);
  const std::string column = QuotedIfNeeded(failure.column);
  if (before.Find("column", fmt::format("{}.{}", table, column)) != nullptr) {
    return Paste(table, fmt::format("{} IS NOT NULL", column));
  }
  return fmt::format(
      "rows that are there have no value for {}.{}: give it a DEFAULT, or add it without NOT NULL, fill it, and set it "
      "NOT NULL then",
      DeclaredTable(table), column);
}

std::string CheckHint(const SqlFailure& failure, const Catalog& before) {
  const std::string table = TableOf(failure, failure.schema);
  const std::string expression = CheckIn(failure.statement, failure.constraint);
  if (!expression.empty() && before.Find("table", table) != nullptr) return Paste(table, expression);
  if (failure.constraint.empty()) {
    return "no partition takes some rows, or the default partition holds rows of a new one: move them first, or add a "
           "partition that takes them";
  }
  return fmt::format("mend the rows that '{}' refuses in the revision, before the statement that meets them",
                     failure.constraint);
}

}  // namespace

std::string RefusalHint(const Error& refusal, const Catalog& before) {
  if (!refusal.sql()) return "";
  const SqlFailure& failure = *refusal.sql();
  const std::string& state = failure.sqlstate;
  if (state == "57014") {
    return "rows may send it in circles: a WITH RECURSIVE (UNION ALL, no CYCLE) over rows that refer to each other, a "
           "LOOP "
           "that waits for what never comes; where it only takes long, allow more: --step-timeout-ms";
  }
  if (!state.starts_with("22") && !state.starts_with("23")) return "";
  if (state == "23502") return NotNullHint(failure, before);
  if (state == "23514") return CheckHint(failure, before);
  if (state == "23505") {
    return "rows agree in the new key, which no condition on one row rules out: merge or tell them apart in the "
           "revision before the key is made, or narrow the key with WHERE";
  }
  if (state == "23503") {
    return "rows refer to what is not there, which no condition on one row rules out: delete them or set them NULL in "
           "the revision first, or add the key NOT VALID and validate it once they are mended";
  }
  if (state == "23P01") {
    return "rows conflict with each other, which no condition on one row rules out: mend them in the revision before "
           "the constraint is made, or narrow it with WHERE";
  }
  if (const auto retype = RetypeIn(failure.statement)) {
    const std::string condition = FitsCondition(*retype, state);
    if (!condition.empty()) return Paste(DeclaredTable(retype->table), condition);
  }
  return "let the statement cope with every value the rows may hold (a CASE, a WHERE, a wider type); or, where no such "
         "row can be there, declare it: -- migproof: assumes TABLE: CONDITION \"why\"";
}

std::string AbsenceHint(const Error& refusal) {
  if (!refusal.sql()) return "";
  const std::string& state = refusal.sql()->sqlstate;
  if (state != "3F000" && state != "42704") return "";
  return "where it is there before the first revision (an extension's, a role, a schema of another service's): make it "
         "in "
         "an SQL file, and give that with --before FILE";
}

}  // namespace migproof
