// What surrounds a read: a snapshot, and settings under which the server prints the same text everywhere.
#pragma once

#include <string>
#include <vector>

#include "migrations/session.h"

namespace migproof {

// Inside an open transaction a savepoint, elsewhere a read-only transaction; both are rolled back at the end, which
// puts every setting back as it was (SET LOCAL alone would stay until the transaction ends).
class ReadScope {
 public:
  explicit ReadScope(Session& session);
  // Failures are swallowed: the connection broke, or the transaction had failed before.
  ~ReadScope();
  ReadScope(const ReadScope&) = delete;
  ReadScope& operator=(const ReadScope&) = delete;

 private:
  Session& session_;
  bool savepoint_;
};

}  // namespace migproof
