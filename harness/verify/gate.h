// A place in a script where a runner stops until it is let on, or dies.
//
//   Gate gate(database.Conninfo());
//   Interrupted step(subject, revision, direction, place, gate.WaitingSql());   // run elsewhere
//   gate.WaitForWaiter([&] { return runner.Ended(); });                         // it stands there now
//   gate.Open();
#pragma once

#include <functional>
#include <string>

#include "migrations/session.h"

namespace migproof {

class Gate {
 public:
  // Closed, until it is opened or goes. `session` is on the database, idle, and not the one that is to be stopped.
  explicit Gate(Session& session);
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // The statement that stops there. It leaves no lock behind.
  std::string WaitingSql() const;

  // Until somebody stands there: the server's process; 0 once `gone` says that nobody will. Error(server) after two
  // minutes.
  int WaitForWaiter(const std::function<bool()>& gone);
  // The server's process that stands there; 0 where none does.
  int Waiter();
  void Open();
  // Until a server's process whose client is dead has found that out. Error(server) after two minutes.
  void WaitUntilGone(int backend);
  // Ends a server's process, as an administrator would.
  void End(int backend);

 private:
  Session& session_;
  bool closed_ = true;
};

}  // namespace migproof
