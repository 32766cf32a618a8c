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
  // As above, sending prepared queries in the same round trip. `generation` goes into the names of prepared queries.
  ReadScope(Session& session, int generation, const std::vector<Session::Prepared>& first);
  // Failures are swallowed: the connection broke, or the transaction had failed before.
  ~ReadScope();
  ReadScope(const ReadScope&) = delete;
  ReadScope& operator=(const ReadScope&) = delete;

  // Of the queries that were sent with it.
  const std::vector<Rows>& results() const { return results_; }
  // Whether a transaction was open around it.
  bool inside() const { return savepoint_; }

 private:
  void End() noexcept;

  Session& session_;
  bool savepoint_;
  std::vector<Rows> results_;
};

}  // namespace migproof
