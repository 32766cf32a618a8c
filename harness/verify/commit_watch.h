// Tells whether anything was committed on a server.
//
//   CommitWatch commits(session);
//   commits.Mark();
//   ... a step that fails ...
//   if (commits.SinceMark() == 0) nothing_was_changed();   // but for sequences, which no transaction keeps
#pragma once

#include <cstdint>
#include <string>

#include "migrations/session.h"

namespace migproof {

class CommitWatch {
 public:
  explicit CommitWatch(Session& session) : session_(session) {}

  void Mark();
  // Transactions that have begun since Mark and are not known to be rolled back.
  std::int64_t SinceMark() { return Since(session_, next_); }
  // Likewise on another session: the mark outlives a crash of the server.
  std::int64_t SinceMark(Session& session) const { return Since(session, next_); }

 private:
  static std::int64_t Since(Session& session, const std::string& mark);

  Session& session_;
  std::string next_;
};

}  // namespace migproof
