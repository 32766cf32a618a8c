// A place in a script where a runner stops until it is let on, or dies.
//
//   Gate gate(database.Conninfo());
//   Interrupted step(subject, revision, direction, place, gate.WaitingSql());   // run elsewhere
//   gate.WaitForWaiter(over);                                                   // it stands there now
//   gate.Open();
#pragma once

#include <atomic>
#include <string>

#include "migrations/session.h"

namespace migproof {

class Gate {
 public:
  // Closed; holds a session of its own on the database.
  explicit Gate(const std::string& conninfo);

  // The statement that stops there. It leaves no lock behind.
  std::string WaitingSql() const;

  // Until somebody stands there; false once `over` says that nobody will.
  bool WaitForWaiter(const std::atomic<bool>& over);
  // The server's process that stands there; 0 where none does.
  int Waiter();
  void Open();
  // Ends a server's process, as an administrator would.
  void End(int backend);

 private:
  Session session_;
};

}  // namespace migproof
