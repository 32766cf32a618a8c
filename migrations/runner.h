// Applies steps: a revision's script and its ledger entry.
//
//   Runner runner(session, history, *ledger, {});
//   for (const Revision* r : history.UpgradePath(runner.Applied(), "heads")) runner.Apply({Direction::kUpgrade, r});
//
// One transaction per step where the section says so, the ledger entry inside it. A step that fails leaves a state that
// can be named: a transactional one leaves nothing; another leaves the statements before the failing one, and the
// Error says which one that was. SET in one step does not reach the next: the session is reset (RESET ALL, RESET ROLE,
// temporary tables dropped) after a step that could have changed it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "migrations/history.h"
#include "migrations/ledger.h"
#include "migrations/session.h"
#include "migrations/step_tool.h"

namespace migproof {

struct RunnerOptions {
  int lock_timeout_ms = 0;       // lock_timeout of each step; 0: the server's own setting
  int statement_timeout_ms = 0;  // likewise
  // Leaves the session as the scripts leave it, as tools do that run all steps on one connection.
  bool keeps_session = false;
  // Called before each step on the step's own connection; throws to refuse (the harness checks its token here).
  std::function<void(Session&)> guard;
  // Runs the steps itself, where there is one; no script is sent then.
  StepTool* tool = nullptr;
  // How a connection of the tool's proves to be to the database of the step: a query that gives one text, and that
  // text. Without one the runner marks the database with an advisory lock while it lives.
  struct Proof {
    std::string question;
    std::string answer;
  };
  Proof proof = {};
};

class Runner {
 public:
  Runner(Session& session, const History& history, const Ledger& ledger, RunnerOptions options);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Makes the ledger's tables where they are missing.
  void Prepare();

  // The applied revisions, closed under ancestors where the tool's ledger keeps only heads. Error(history) for an entry
  // the history does not know and for a dirty entry (both with what to do).
  History::Applied Applied();

  // Revisions whose recorded checksum is not today's: applied and edited since.
  std::vector<const Revision*> Edited();

  // Runs one step. Throws the Error of the failing statement, with the revision as context.
  void Apply(const Step& step);

  // As Apply, but a failing statement is left out and the step goes on (each statement behind a savepoint in a
  // transactional step): the complaints come back in order. For harnesses only: the ledger entry is written.
  std::vector<Error> ApplyLeavingOutFailures(const Step& step);

  // Runs the verification of an applied revision and undoes what it did. What is refused comes back: nothing where all
  // is well, or where the revision has none.
  std::vector<Error> Verify(const Revision& revision);

  // Changes the ledger so that exactly `applied` is recorded; runs no script.
  void Stamp(const History::Applied& applied);

  // The statements that Apply would send, as a psql script: transaction marks, script, ledger entry (OfflineStep).
  std::string OfflineSql(const Step& step) const;

 private:
  class StepRun;

  std::vector<Error> RunLeavingOut(StepRun& run, const Section* section);
  bool UsesTool(const Step& step) const { return options_.tool != nullptr && step.direction != Direction::kStamp; }
  ToolPlace Place();
  ToolRun RunTool(const Step& step, bool leaving_out);
  std::vector<Error> RunToolLeavingOut(const Step& step);
  bool IsRecorded(const Step& step);
  Error InContext(Error error, const Step& step, const std::string& state) const;

  Session& session_;
  const History& history_;
  const Ledger& ledger_;
  RunnerOptions options_;
  std::string mark_;  // the key of the advisory lock, once it is taken
};

// Keeps other runners out of one database: polls pg_try_advisory_lock (never blocks in the server, where a waiting
// runner would hold a snapshot that CREATE INDEX CONCURRENTLY waits for). Error(server) after timeout_ms, naming the
// backend that holds it.
class RunnerLock {
 public:
  RunnerLock(Session& session, int timeout_ms);
  ~RunnerLock();
  RunnerLock(const RunnerLock&) = delete;
  RunnerLock& operator=(const RunnerLock&) = delete;

 private:
  Session& session_;
};

}  // namespace migproof
