// Liquibase's formatted SQL: a file of changesets, each between "--changeset author:id" and the next.
//
//   --liquibase formatted sql
//   --changeset ada:1 runInTransaction:false
//   CREATE INDEX CONCURRENTLY i ON t (a);
//   --rollback DROP INDEX i;
//
// Pure: no file but the text given is looked at.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migrations/error.h"
#include "migrations/script.h"

namespace migproof {

struct LiquibaseChangeset {
  std::string id;
  std::string author;
  std::string path;  // what the tool's table calls the file
  std::string comment;
  std::string context;  // an expression; "": any
  std::string labels;
  bool in_transaction = true;
  bool one_query = false;   // splitStatements:false
  bool runs_again = false;  // runOnChange, runAlways
  bool ignored = false;     // for another DBMS, or to be ignored
  SourceLocation where;
  Script upgrade;                  // preconditions that halt stand before it
  std::optional<Script> rollback;  // absent: there is none

  // "path::id::author", as the tool writes it.
  std::string Name() const { return path + "::" + id + "::" + author; }
};

// "--include" and "--includeAll": another changelog, or all of a directory.
struct LiquibaseInclude {
  std::string path;
  bool all = false;
  bool relative = false;  // to the including file
  SourceLocation where;
};

struct LiquibaseChangelog {
  // In the order of the file: a changeset, or what is included there.
  struct Entry {
    std::optional<LiquibaseChangeset> changeset;
    std::optional<LiquibaseInclude> include;
  };
  std::vector<Entry> entries;
  std::map<std::string, std::string> properties;  // those given, and those of the file

  // `path` is what the tool calls the file, `file` where it lies. Error(history) with file:line for a file that does
  // not begin with the mark, and for whatever the tool would refuse, take for a comment by mistake, or decide only on
  // the database.
  static LiquibaseChangelog Parse(std::string_view text, const std::string& path, const std::string& file,
                                  std::map<std::string, std::string> properties);
};

}  // namespace migproof
