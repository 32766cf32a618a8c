// One database on its way along a history: moved with real commits, and looked at.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/catalog/read.h"
#include "harness/postgres/database.h"
#include "harness/verify/subject.h"
#include "harness/verify/time_limit.h"
#include "harness/verify/trial.h"
#include "migrations/runner.h"

namespace migproof {

using ServerFactory = std::function<std::unique_ptr<Server>()>;

struct OtherServer {
  std::string name;  // as Verdict::server
  ServerFactory factory;
};

// What a run tries beyond moving along the history.
struct BenchOptions {
  ServerFactory durable;  // gives servers that may be killed, with synchronous_commit=on; none: no server is killed
  ServerFactory later;    // gives servers whose clock stands at another day; none: see why_not_later
  std::string why_not_later;
  std::uint64_t seed = 0;
  bool nightly = false;              // deaths and cancels at every statement, where otherwise some are drawn
  const TimeLimit* limit = nullptr;  // outlives the bench; none: no limit
  std::string name;                  // of the bench's own server, in a run on several
  std::vector<OtherServer> others;   // the other servers of such a run, for laws that compare them
};

// The connection string of `database` with settings under which every value is read back: the same text for the same
// value, whatever the server's own are. `settings` ("TimeZone=Asia/Tokyo", no spaces) come instead of those.
std::string FixedConninfo(const Database& database, const std::vector<std::string>& settings = {});

// A server and the ground that every database of a run starts from: `before` files applied, ledger tables made.
class Bench {
 public:
  Bench(const Subject& subject, ServerFactory factory, BenchOptions options = {});

  const Subject& subject() const { return subject_; }
  const Server& server() const { return *server_; }
  // A database that stands before the first revision.
  std::unique_ptr<Database> Fresh() const { return Database::Clone(*server_, *ground_); }
  // As Fresh, without the `before` files; `locale` as in Database::Create.
  std::unique_ptr<Database> Empty(const std::string& locale = "") const { return Database::Create(*server_, locale); }
  // The same on a server of its own: what all databases of a server share (roles) is as it was at the start.
  std::unique_ptr<Bench> Another() const { return std::make_unique<Bench>(subject_, factory_, options_); }
  // The same on a server of its own that may be killed; null where there is none.
  std::unique_ptr<Bench> Mortal() const;
  // The same on a server of its own at another day: year, month, day of the month and of the week are other ones. Only
  // where options() have it.
  std::unique_ptr<Bench> Later() const { return std::make_unique<Bench>(subject_, options_.later, options_); }
  const BenchOptions& options() const { return options_; }
  // Trials of many parts ask before each, and stop.
  bool OutOfTime() const { return options_.limit != nullptr && options_.limit->Spent(); }
  // "extension 'vector' is not available on this server (needed by before.sql)" where the ground could not be made for
  // that, or "". Nothing can be tried then.
  const std::string& missing() const { return missing_; }
  // See Server::Kill. No database of this bench may be connected to.
  void KillServer() { server_->Kill(); }

 private:
  const Subject& subject_;
  ServerFactory factory_;
  BenchOptions options_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Database> ground_;
  std::string missing_;
};

// What a Runner of `subject` on one of our databases is given; `database` outlives it.
RunnerOptions OptionsFor(const Subject& subject, const Database& database);

// Whether an Error is about the history, not about the machine: a Finding.
bool IsRefusal(const Error& error);

// Runs every statement of a script on its own, as psql would; one that is refused ends it with that Error, but where
// `may_pass` says of the Error that it goes on.
void RunScript(Session& session, const Script& script, const std::function<bool(const Error&)>& may_pass = {});

class Stand {
 public:
  Stand(const Bench& bench, std::unique_ptr<Database> database, std::size_t index);
  // Before the first revision, on a server of its own.
  explicit Stand(std::unique_ptr<Bench> bench);

  // How many revisions of the order are applied.
  std::size_t index() const { return index_; }
  Session& session() { return *session_; }
  Runner& runner() { return *runner_; }
  const Database& database() const { return *database_; }
  // A runner that writes its entries through another ledger, on this stand's session.
  std::unique_ptr<Runner> MakeRunner(const Ledger& ledger, int statement_timeout_ms = 0) const;
  // Steps to come: a statement that takes longer is refused (57014); 0: none is.
  void LimitSteps(int statement_timeout_ms);

  // The database as it is now; what did not change since the last look is not read again.
  Observation Observe();
  std::shared_ptr<const Catalog> ObserveCatalog();
  // How far they are, by qualified name, but for those that number the ledger's entries.
  using Sequences = std::map<std::string, SequenceState>;
  Sequences ReadSequences();

  // Upgrades the next revision, leaving out what fails. Returns the refusals, remembered by index.
  const std::vector<Error>& UpgradeNext();
  void UpgradeTo(std::size_t index);
  // Runs a move of `revision` with real commits; refusals come back, and a refused move ends there.
  std::vector<Error> Apply(Move move, const Revision& revision);
  // Downgrades the last revision.
  std::vector<Error> DowngradeLast();

  const std::vector<Error>& RefusalsOf(std::size_t index) const;
  // The revisions below `index` that did not upgrade without refusals.
  std::vector<std::string> ReachedPast(std::size_t index) const;
  // "extension 'vector' is not available on this server (needed by r1)", once an upgrade asked for one, or a step for a
  // right that a guest has not; else "".
  const std::string& missing() const { return missing_; }

  // Takes over what another stand on the same way has had refused.
  void InheritRefusals(const Stand& other);

  // Takes it that the database stands there now: a step was done by somebody else.
  void NowAt(std::size_t index) { index_ = index; }

  // Ends the session and hands the database out, with its catalog where the stand knows it and nobody else could write;
  // the stand is of no use afterwards.
  std::unique_ptr<Database> Release();

 private:
  void Connect();
  void NoticeMissing(const Revision& revision, const std::vector<Error>& refusals);
  std::string MissingFor(const Error& refusal);

  std::unique_ptr<Bench> own_bench_;
  const Bench& bench_;
  std::unique_ptr<Database> database_;
  std::size_t index_;
  bool knows_catalog_ = false;  // from whoever was here before
  int handed_out_ = 0;          // Database::handed_out() when only the session had asked
  std::unique_ptr<Session> session_;
  std::unique_ptr<Runner> runner_;
  std::unique_ptr<CatalogReader> reader_;
  std::map<std::size_t, std::vector<Error>> refusals_;
  std::string missing_;
  std::shared_ptr<const Catalog> last_catalog_;
  std::uint64_t last_version_ = 0;  // of the reader, when last_catalog_ was made
};

}  // namespace migproof
