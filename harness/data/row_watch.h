// Reads the rows of a database again and again inside transactions that are rolled back, and only what changed.
//
//   RowWatch watch(session, ledger.Tables());
//   watch.Begin();                 // outside a transaction: what is there is the base
//   watch.Start();                 // opens a transaction
//   ... insert, migrate ...
//   auto rows = watch.Look();      // what this transaction did since the last look is read, nothing else
//   watch.Rewind();                // ROLLBACK, back to the base; sequences, which it does not bring back, are set
//   again
//
// Which tables a transaction has changed is told by the server. Its counters (pg_stat_get_xact_tuples_*) say where rows
// were inserted, updated and deleted. For the rest its locks do, once rows of pg_class or pg_attribute have changed:
// whatever gives a table other columns, another name or other storage, makes one or drops one, holds a lock on it until
// the transaction ends, stronger than that of INSERT; and who writes to the system catalogs by hand holds one on those,
// after which all is listed again. The result is what ReadRows would read, as long as no savepoint is rolled back to
// that was set before the last look.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "harness/data/dataset.h"
#include "harness/data/kept_inserts.h"
#include "harness/data/rows.h"

namespace migproof {

class RowWatch {
 public:
  RowWatch(Session& session, std::vector<std::string> leave_out);

  // Takes the committed state for the base of all that follows. Not inside a transaction.
  void Begin();
  // Opens a transaction, and sees what the counters hold of earlier ones.
  void Start();
  // As Start, but gives back what opens the transaction, to be sent before anything else; nothing where it is open.
  std::vector<Session::Prepared> Opening();
  // What Look asks first, for who sends it along with what comes before. Told, right after, what the server said to it,
  // Look does not ask again.
  const Session::Prepared& Question() const { return question_; }
  void Told(Rows counters);
  // Tables of the base whose rows are asked for: theirs are always known. False where all of them were wanted already.
  bool Want(const std::set<std::string>& tables);
  // The columns ("a, b") of the tables wanted whose inserts may return rows: no rules, no row security.
  const std::map<std::string, std::string>& returning() const { return returning_; }
  // By table of the base with neither rules nor row security, by column: the oid of the column's type.
  KeptInserts::Types InsertTypes() const;
  // Right after Start: what was inserted, all of it, and by table what came back of it, with the columns of
  // returning(). Unless the server counts more changes than those, the former need not be read again, and rows that
  // nobody wanted stay unread as long as nothing touches them.
  void Inserted(const Dataset& rows, std::map<std::string, std::vector<std::vector<Cell>>> stored);
  // The rows now, inside the open transaction. `way` names what went before, since Start, where that does the same to
  // the catalog each time it is gone: what the first look found altered is then known to the next ones, as long as the
  // server counts the very same changes. "": not so. RowsWanted where rows have changed that were not read before.
  std::shared_ptr<const RowSnapshot> Look(const std::string& way = "");
  // Rolls the transaction back: nothing but the base is known, and every sequence stands where it stood.
  void Rewind();

  const RowSnapshot& base() const { return *base_.snapshot; }
  // Whether the last look found rows of the catalogs it watches changed since Start.
  bool saw_ddl() const;

 private:
  // What the catalogs say of a table's columns.
  struct Shape {
    std::string columns;   // quoted, sorted
    std::string versions;  // number, type, collation of each
    bool returns = false;  // its INSERT may have RETURNING

    bool operator==(const Shape&) const = default;
  };
  struct Known {
    std::string oid;
    std::shared_ptr<const Shape> shape;
    std::string signature;   // of the table's storage and of the labels of enums
    std::int64_t count = 0;  // of rows inserted, updated and deleted since Start
    bool empty = false;      // without a page: nothing is to be read
    std::shared_ptr<const TableRows> rows;
  };
  using Tables = std::map<std::string, Known>;  // by qualified name
  struct Sequence {
    std::string name;
    SequenceState unused;  // as long as no value was taken
  };
  using Sequences = std::map<std::string, Sequence>;  // by oid
  struct State {
    std::vector<std::int64_t> catalogs;  // what was done to each of the catalogs watched, since Start
    Tables tables;
    Sequences sequences;
    std::shared_ptr<const RowSnapshot> snapshot;
  };

  // What a way alters: the base's tables, none come or gone, and how many rows of the catalogs.
  struct Altered {
    std::shared_ptr<const Shape> shape;
    bool moved = false;  // to another storage
  };
  struct Trace {
    std::vector<std::int64_t> catalogs;
    std::map<std::string, Altered> tables;  // by qualified name
  };

  State ListAll(std::vector<std::int64_t> catalogs);
  State Now(const std::string& way);
  bool Recall(State& state, const std::string& way) const;
  void Remember(const State& state, const std::string& way);
  bool Touch(State& state, const Rows& touched) const;
  void Take(State& state, const Rows& described, int row) const;
  std::string QueryName(const std::string& name, const Known& known);
  void ReadChanged(State& now, const State& before);
  std::map<std::string, SequenceState> Values(const Rows& told) const;
  bool AnyCalledNoMore(const Rows& told) const;
  std::vector<std::int64_t> CatalogCounters(const Rows& told) const;
  std::int64_t SinceStart(const std::string& oid, std::int64_t count) const;
  Rows Ask();
  void NoteQuestion();
  void NoteSequences();

  Session& session_;
  std::vector<std::string> leave_out_;
  std::vector<std::int64_t> catalogs_at_start_;
  std::vector<std::int64_t> tables_at_start_;  // in the order of the base
  State base_;
  State now_;
  std::set<std::string> wanted_;
  std::map<std::string, std::string> returning_;
  bool fresh_ = false;                   // rows were inserted, and nothing looked at since
  std::map<std::string, Trace> traces_;  // by way
  Session::Prepared question_;           // for the counters of the base's tables and the values of its sequences
  std::optional<Rows> told_;             // its answer
  std::uint64_t told_at_ = 0;            // by Session::requests()
  std::uint64_t at_zero_ = 0;            // likewise: then all counters stood at zero
  Session::Prepared set_back_;           // brings the base's sequences back to where they stood
  std::map<std::tuple<std::string, std::string, std::string>, std::size_t> queries_;  // by table, columns, versions
};

}  // namespace migproof
