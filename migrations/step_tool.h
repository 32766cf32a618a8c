// A tool of the user's that runs the steps of its histories itself, because only it can: Alembic, say, whose steps are
// Python.
//
// It works on connections of its own, in its own transactions, and writes its own version table; before anything runs
// there, each of its connections has proved to be where the step belongs. A Runner that is given one sends no script.
#pragma once

#include <string>
#include <vector>

#include "migrations/error.h"
#include "migrations/ledger.h"

namespace migproof {

// Where a step belongs.
struct ToolPlace {
  std::string url;  // postgresql://..., with the password: never for output
  // A query that gives one text, and what it gives there and nowhere else.
  std::string question;
  std::string answer;
  std::vector<std::string> settings;  // sent first on each connection
};

// What a step did.
struct ToolRun {
  struct Sent {
    std::string sql;
    int line = 0;  // in the revision's file; 0: unknown
    bool accepted = false;
  };
  std::vector<Sent> sent;
  // Why it failed: what came out of the revision, or, of a run that leaves out what fails, each thing that did.
  std::vector<Error> refusals;
  // The same statements sent again do the same: the step asked the database nothing, and kept to one transaction.
  bool replays = false;
  bool recorded = false;  // the version table says that the step is done
};

class StepTool {
 public:
  virtual ~StepTool() = default;

  // Makes the tool's version table where it is missing. Error(usage) for a project that can't be opened, Error(server)
  // for one that would work elsewhere.
  virtual void Prepare(const ToolPlace& place) = 0;

  // Runs an upgrade or a downgrade. With `leaving_out`, failing statements are left out and the rest goes on. Throws
  // where nothing was learned of the step: it went elsewhere, the connection broke, the tool's process ended.
  virtual ToolRun Run(const ToolPlace& place, const Step& step, bool leaving_out) = 0;

  // Runs what the tool has for a look at an upgrade that was done (Revision::verification); what it refuses comes back.
  virtual std::vector<Error> Verify(const ToolPlace&, const Revision&) { return {}; }

  // The step as the tool writes it for psql.
  virtual std::string OfflineSql(const Step& step) = 0;
};

}  // namespace migproof
