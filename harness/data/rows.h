// The rows of a database, read back as text under fixed settings, and their difference.
//
//   const RowSnapshot before = ReadRows(session, catalog);
//   for (const std::string& line : CompareRows(before, ReadRows(session, catalog), {})) print(line);
//
// Rows are compared by column name, exactly: no tolerance, no time-zone folding; NaN equals NaN. Tables without rows
// cost nothing. A table of more than kMaximumRows rows is kept as count and checksum only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/catalog/catalog.h"
#include "migrations/session.h"

namespace migproof {

inline constexpr std::int64_t kMaximumRows = 10'000;

using Cell = std::optional<std::string>;  // the value's text, or NULL

struct TableRows {
  // As SQL writes them ("userId" with its quotes), which is how the catalog has them; sorted.
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;  // sorted; empty where the table is larger than kMaximumRows
  std::int64_t count = 0;
  std::string checksum;  // for large tables
  // Which table and which columns these are, whatever they are called: its oid and, by column, their numbers
  // (pg_attribute.attnum). Empty where it is not known. Other rows may be equal to these.
  std::string oid;
  std::vector<std::string> numbers;
  // Not "": rows of the table of this name that nobody has read. They were inserted, and nothing has touched them
  // since.
  std::string unread;

  bool operator==(const TableRows& other) const {
    return columns == other.columns && rows == other.rows && count == other.count && checksum == other.checksum;
  }
};

// Thrown by whoever asks for rows that were not read: what led there must be done again, and they must be read.
struct RowsWanted {
  std::set<std::string> tables;
};

// One table's rows, shared by all snapshots that hold them: a copy costs a pointer. Who looks at rows that were not
// read gets RowsWanted.
class SharedRows {
 public:
  SharedRows() : SharedRows(TableRows()) {}
  SharedRows(TableRows rows) : rows_(std::make_shared<const TableRows>(std::move(rows))) {}  // NOLINT: is one
  SharedRows(std::shared_ptr<const TableRows> rows) : rows_(std::move(rows)) {}              // NOLINT: is one

  const TableRows& operator*() const { return Read(); }
  const TableRows* operator->() const { return &Read(); }
  operator const TableRows&() const { return Read(); }  // NOLINT: is one
  bool operator==(const SharedRows& other) const { return IsSame(other) || Read() == other.Read(); }
  // Whether these are the very same, whatever they are: nothing has touched them in between.
  bool IsSame(const SharedRows& other) const { return rows_ == other.rows_; }
  std::int64_t count() const { return rows_->count; }
  bool IsUnread() const { return !rows_->unread.empty(); }

 private:
  const TableRows& Read() const {
    if (!rows_->unread.empty()) throw RowsWanted{{rows_->unread}};
    return *rows_;
  }

  std::shared_ptr<const TableRows> rows_;
};

struct SequenceState {
  std::int64_t last_value = 0;
  bool is_called = false;
  std::int64_t increment = 1;

  bool operator==(const SequenceState&) const = default;
};

struct RowSnapshot {
  std::map<std::string, SharedRows> tables;  // by qualified name; tables without rows are absent
  std::map<std::string, SequenceState> sequences;

  std::int64_t Count() const;
  bool operator==(const RowSnapshot&) const = default;
};

// Reads every ordinary table that has rows (partitions by themselves, their parents not again). `leave_out` are
// qualified names. Runs inside whatever transaction is open.
RowSnapshot ReadRows(Session& session, const std::vector<std::string>& leave_out);

// The cells of a row of a result.
std::vector<Cell> CellsOf(const Rows& rows, int row);

// What to read of a table.
struct TableRead {
  std::string table;    // its qualified name
  std::string columns;  // "a, b", quoted and sorted
  // The name to keep the query under, for one that is asked again and again; it stands for table, columns and the types
  // of these. "": the query is sent once.
  std::string prepared_as;
  std::string where = "";               // a condition that rows have to meet; "": all of them
  std::vector<std::string> names = {};  // of the columns, where `columns` says more than that
  std::string oid = "";                 // as in TableRows, and so are the numbers
  std::vector<std::string> numbers = {};
};
// Tables in one round trip. Rows come back sorted.
std::vector<TableRows> ReadTables(Session& session, const std::vector<TableRead>& reads);
// Every sequence of the user's, as a query among others, and what its result says, by qualified name.
Session::Prepared SequencesQuery();
std::map<std::string, SequenceState> TakeSequences(const Rows& rows);

// "public.orders.note", for cells that are filled by a clock, a sequence or chance.
using UnstableColumns = std::set<std::string>;
// The columns of `catalog` whose default (or identity) is volatile.
UnstableColumns VolatileDefaults(const Catalog& catalog);

// The columns in which two executions of the same thing differ: the values they hold, counted, are not the same.
UnstableColumns UnstableBetween(const RowSnapshot& once, const RowSnapshot& again);

// The columns of `was` that are called otherwise in `is` ("public.orders.note"), in tables that kept their name: what
// has the old name now, if anything, is another column.
std::set<std::string> RenamedColumns(const RowSnapshot& was, const RowSnapshot& is);

// Whether the column holds the same values under other names: for each value that it had there is one that stands in
// the same rows now, and no two have become one. Rows are told by the columns of `others`. False for large tables.
bool IsTranslated(const TableRows& was, const TableRows& is, const std::string& column,
                  const std::vector<std::string>& others);

struct CompareRowsOptions {
  UnstableColumns unstable;  // compared by NULL or not
  // Columns that are not compared ("public.orders.note").
  std::set<std::string> leave_out;
  // The tables to compare; a table of neither snapshot has no rows there. Empty: all of both.
  std::set<std::string> tables;
  std::size_t maximum_lines = 20;
};

// One line per difference: "- public.orders: id=1, note=a" (gone), "+ ..." (new), "~ public.orders: id=1: note was 'a',
// is NULL" (a row that went and the one most like it that came are taken for one). Columns that only one side has are
// left out. `lost` gets the columns whose values changed ("public.orders.note") and the tables whose rows went
// ("public.orders").
std::vector<std::string> CompareRows(const RowSnapshot& was, const RowSnapshot& is, const CompareRowsOptions& options,
                                     std::set<std::string>* lost = nullptr);

// Sequences of both that fell back, by name: "~ sequence public.s: last value was 12, is 1".
std::map<std::string, std::string> CompareSequences(const RowSnapshot& was, const RowSnapshot& is);

}  // namespace migproof
