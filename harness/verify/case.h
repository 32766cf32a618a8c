// One set of rows on its way along a revision: the Mover of a trial with rows.
//
// A RowsCase inserts the rows into a database that stands before the revision and moves it, all inside one transaction
// that is rolled back. A CommittedCase does the same with real commits on a copy that is thrown away. Laws can't tell
// them from a Walk; Before() is the database with the rows in it. Rows of the new shape go in on the way, by
// Move::kInsert, and Before() is the database without any.
//
// Catalogs: a script without code of its own does the same to the catalog whatever the rows are, so a RowsCase takes
// the catalogs that were seen without rows, unless told to read them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/data/row_generator.h"
#include "harness/data/row_watch.h"
#include "harness/data/sequence_use.h"
#include "harness/verify/aftermath.h"
#include "harness/verify/assumptions.h"
#include "harness/verify/replay_source.h"
#include "harness/verify/walk.h"

namespace migproof {

// What all cases at one revision share: a database that stands there, and what was seen without rows.
class CaseGround {
 public:
  // A statement that takes longer with rows than `step_timeout_ms` is ended, and counts as refused; 0: none is.
  CaseGround(const Bench& bench, Walk& walk, int step_timeout_ms = 0);

  // Brings the database to stand before order()[index]; only upwards.
  void GoTo(std::size_t index);

  const Subject& subject() const { return bench_.subject(); }
  const Revision& revision() const { return *subject().order()[index_]; }
  Session& session() { return stand_->session(); }
  Stand& stand() { return *stand_; }
  // Of that database before the revision. Not always that of BeforeWithoutRows(): what the clock has frozen there is
  // another moment on another database.
  const std::shared_ptr<const Catalog>& catalog() const { return catalog_; }
  RowWatch& watch() { return *watch_; }
  KeptInserts& inserts() { return *inserts_; }
  // The database as the walk saw it without rows; null catalog where it did not get there.
  const Observation& WithoutRows(const Path& path) { return walk_.After(path); }
  const Observation& BeforeWithoutRows() { return walk_.Before(); }
  // The same for any path, with the insertions left out.
  const Observation& AlongWithoutRows(Path path) {
    std::erase(path, Move::kInsert);
    return path.empty() ? BeforeWithoutRows() : WithoutRows(path);
  }
  // True where the upgrade's failing statements are left out, with rows as without.
  bool leaves_out() { return walk_.After({Move::kUpgrade}).refused(); }
  // A database of its own that stands before the revision.
  std::unique_ptr<Stand> Copy() { return source_.At(index_); }
  // The constraints of a catalog that are deferred when a transaction begins, as SET CONSTRAINTS names them.
  const std::string& Deferred(const std::shared_ptr<const Catalog>& catalog);
  // The drift of two catalogs, worked out once: many cases see the same ones.
  const std::vector<Difference>& Compared(const std::shared_ptr<const Catalog>& was,
                                          const std::shared_ptr<const Catalog>& is);
  // What brings the sequences of a catalog along with rows, worked out once.
  const SequenceStatements& SequencesOf(const std::shared_ptr<const Catalog>& catalog);
  // Statements that session() is asked again and again, each under a name of its own.
  std::vector<Session::Prepared> Kept(const std::vector<std::string>& statements);
  // The statements after which session() has nothing left that rows or a step of the revision could come upon, and
  // would not on a connection of their own (see kForgetPlans). Mostly none.
  const std::vector<std::string_view>& Reconnection();
  void Reconnect();
  // Whether there may be constraints in a catalog that are not checked at once; null: not known.
  bool HasDeferrable(const std::shared_ptr<const Catalog>& catalog);
  // To be called after each transaction that was rolled back.
  void Tidy();
  // Rows that break these are taken out after insertion; of a dataset with forbidden rows, those stay that break one of
  // the revision's own.
  void set_assumptions(std::vector<Assumption> assumptions);
  const std::vector<Assumption>& assumptions() const { return assumptions_; }
  const std::vector<Assumption>& own_assumptions() const { return own_assumptions_; }
  // Rows that were not read have been asked for: they are read from now on. Where that comes up again and again, all
  // are.
  void Want(const RowsWanted& wanted);
  // Rows have been in session()'s database.
  void AddFilled(const Dataset& rows) {
    for (const DatasetTable& table : rows.tables) filled_.insert(table.table);
  }
  // A second upgrade was gone from the very database that the first began with; at this revision.
  void AddUpgradeAgain(bool gives_the_same) {
    if (!gives_the_same) upgrades_again_differ_ = true;
    ++upgrades_again_;
  }
  // Of a database that is the very same as before the first upgrade.
  bool KnowsUpgradeAgain() const {
    constexpr int kTimes = 5;  // seen to give the same, never anything else
    return upgrades_again_ >= kTimes && !upgrades_again_differ_;
  }
  // See Trial::Rewrites; at this revision.
  void AddRewritten(const std::set<std::string>& names) { rewritten_.insert(names.begin(), names.end()); }
  const std::set<std::string>& rewritten() const { return rewritten_; }
  int step_timeout_ms() const { return step_timeout_ms_; }
  // Steps of this revision may go on without end: one was ended (SQLSTATE 57014), and of those to come none is waited
  // for so long.
  void AddRefusals(const std::vector<Error>& refusals);
  bool endless() const { return endless_; }

 private:
  void VacuumFilled();
  // Whether plans that rows leave behind may fail after a step of the revision.
  bool OutdatesPlans();
  // Whether functions that rows have compiled may fail after a step of the revision.
  bool OutdatesCode();
  // Whether what puts rows in, or the revision, may ask what the connection has drawn from a sequence.
  bool AsksWhatWasDrawn() const;

  const Bench& bench_;
  Walk& walk_;
  ReplaySource source_;
  std::unique_ptr<Stand> stand_;
  std::unique_ptr<RowWatch> watch_;
  std::unique_ptr<KeptInserts> inserts_;
  std::shared_ptr<const Catalog> catalog_;
  std::size_t index_ = 0;
  int cases_since_tidy_ = 0;
  std::set<std::string> filled_;
  int step_timeout_ms_;
  bool endless_ = false;
  int times_wanted_ = 0;
  int upgrades_again_ = 0;
  bool upgrades_again_differ_ = false;
  std::optional<std::vector<std::string_view>> reconnection_;
  // Worked out when first asked for.
  struct OfCatalog {
    std::optional<bool> has_deferrable;
    std::optional<std::string> deferred;
    std::optional<SequenceStatements> sequences;
  };
  std::map<std::shared_ptr<const Catalog>, OfCatalog> of_catalogs_;
  std::map<std::string, std::size_t> kept_;
  std::map<std::pair<std::shared_ptr<const Catalog>, std::shared_ptr<const Catalog>>, std::vector<Difference>>
      compared_;
  std::vector<Assumption> assumptions_;
  std::vector<Assumption> own_assumptions_;
  std::set<std::string> rewritten_;
};

// Does what cases need: where one asks for rows that were not read, all is done once more, and they are. So `work`
// tells nobody anything before it is through.
template <class Work>
auto Asking(CaseGround& ground, const Work& work) {
  for (;;) {
    try {
      return work();
    } catch (const RowsWanted& wanted) {
      ground.Want(wanted);
    }
  }
}

class Case : public Mover {
 public:
  Case(CaseGround& ground, std::shared_ptr<const Dataset> rows)
      : ground_(ground), rows_(std::move(rows)), dataset_(*rows_) {}

  const Observation& Before() override;
  const Observation& After(const Path& path) override;
  const Observation& AtHeads() override;
  const Observation& AfterUpgradeAtHeads() override;
  const DescentResult& Descent() override;
  const Catalog& Model() override;
  std::vector<std::string> ReachedPast() const override;
  const UnstableColumns& Unstable(const Path& path) override;
  std::vector<Difference> Compare(const Observation& was, const Observation& is) override;
  bool KnowsUpgradeAgain() override;
  bool HasRows() const override { return true; }
  bool HasNewRows() const override { return dataset_.new_shape; }
  bool HasForbiddenRows() const override { return dataset_.forbidden; }
  const ForbiddenRows& Forbidden() override;
  const std::set<std::string>& Rewritten() const override { return ground_.rewritten(); }
  std::shared_ptr<const TableRows> ReadCast(const Path& path, const std::string& table,
                                            const std::map<std::string, std::string>& casts) override;

  // What became of the rows; filled once they are in: by Before(), or by After({kUpgrade, kInsert}) for rows of the new
  // shape.
  const InsertResult& inserted() const { return inserted_; }
  // Rows taken out because an assumption forbids them.
  std::int64_t forbidden() const { return forbidden_; }

 protected:
  // Makes the ground ready and gives the session that the rows go in by, a transaction open but for what opening_ says.
  virtual Session& Open() = 0;
  // A transaction to insert rows in on the way, which Settle ends.
  virtual void OpenOnTheWay() = 0;
  // Rows are in: the transaction of the next move begins.
  virtual void Settle() = 0;
  virtual Observation ObserveHere(const Path& path) = 0;
  // Runs the script of the last move of `path`; a refusal ends the way.
  virtual std::vector<Error> Run(const Path& path) = 0;
  virtual void Close() = 0;
  virtual Session& Here() = 0;
  // Whether what was seen at this revision before may stand for what would be seen again.
  virtual bool Concludes() const { return false; }
  // What follows the rows of Here(), where something does.
  virtual RowWatch* Watch() { return nullptr; }
  // The same case on a database of its own, for what differs between two executions.
  virtual std::unique_ptr<Case> Again() const = 0;

  // The catalog where the way has come to.
  const std::shared_ptr<const Catalog>& CatalogHere() const { return seen_.at(*open_).catalog; }

  CaseGround& ground_;
  const std::shared_ptr<const Dataset> rows_;
  const Dataset& dataset_;
  std::vector<Session::Prepared> opening_;  // to be sent before the rows

 private:
  void Begin();
  void PutRowsIn(Session& session);
  void PutNewRowsIn();
  void BringSequencesAlong(const std::shared_ptr<const Catalog>& catalog);
  bool GoAlong(const Path& path);
  bool AreTheSame(const Path& one, const Path& other, bool in_place);

  InsertResult inserted_;
  std::int64_t forbidden_ = 0;
  ForbiddenRows forbidden_rows_;
  std::map<Path, Observation> seen_;
  std::optional<Path> open_;  // the path that the open database has gone; it is among those seen
  std::map<Path, UnstableColumns> unstable_;
};

class RowsCase : public Case {
 public:
  // With `reads_catalog`, catalogs are read, not taken from what was seen without rows.
  RowsCase(CaseGround& ground, std::shared_ptr<const Dataset> rows, bool reads_catalog);
  ~RowsCase() override;

 protected:
  Session& Open() override;
  void OpenOnTheWay() override;
  void Settle() override;
  Observation ObserveHere(const Path& path) override;
  std::vector<Error> Run(const Path& path) override;
  void Close() override;
  Session& Here() override;
  bool Concludes() const override { return true; }
  RowWatch* Watch() override;
  std::unique_ptr<Case> Again() const override;

 private:
  bool MayDefer(const Path& path);

  bool reads_catalog_;
  bool begun_ = false;
};

class CommittedCase : public Case {
 public:
  CommittedCase(CaseGround& ground, std::shared_ptr<const Dataset> rows, bool reads_catalog);

  // Of an upgrade that met forbidden rows.
  const Aftermath* Left() override { return left_ ? &*left_ : nullptr; }

 protected:
  Session& Open() override;
  void OpenOnTheWay() override;
  void Settle() override;
  Observation ObserveHere(const Path& path) override;
  std::vector<Error> Run(const Path& path) override;
  void Close() override;
  Session& Here() override;
  std::unique_ptr<Case> Again() const override;

 private:
  std::vector<Error> UpgradeAsRunnersDo();

  bool reads_catalog_;
  std::unique_ptr<Stand> stand_;
  std::optional<Aftermath> left_;
};

// Whether what a section does to the catalog may depend on rows: code in DO blocks, functions and EXECUTE.
bool RunsCode(const Section& section);

}  // namespace migproof
