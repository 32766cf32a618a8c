// Revisions that a program holds itself, written in C++: for those whose SQL is made by code.
//
//   const migproof::RegisteredRevision kNotes({.id = "r2",
//                                              .parents = {"r1"},
//                                              .upgrade = [] { return AddColumn("orders", "note text"); },
//                                              .downgrade = [] { return DropColumn("orders", "note"); }});
//
// The format `code` reads them, wherever the configuration's "path" points: in a program that is linked with
// migproof::migproof, say one of migproof::gtest_main.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace migproof {

struct CodeRevision {
  std::string id;  // unique in the program
  std::string title = {};
  std::vector<std::string> parents = {};
  std::vector<std::string> depends_on = {};
  std::vector<std::string> labels = {};
  // The SQL of a step, comments with declarations ("-- migproof: loses orders.note") included: the same text each time.
  std::function<std::string()> upgrade;
  std::function<std::string()> downgrade = {};  // none: the revision can't be undone
  bool transaction = true;                      // false: each statement in a transaction of its own
};

class RegisteredRevision {
 public:
  // `file` and `line`: where it stands (clang before 16 has no std::source_location).
  explicit RegisteredRevision(CodeRevision revision, const char* file = __builtin_FILE(), int line = __builtin_LINE());
};

}  // namespace migproof
