// Rows for a whole catalog: foreign keys, uniqueness, CHECKs, partitions and all else respected by construction as far
// as their common forms go; what the server still refuses is counted.
//
//   RowGenerator generator(catalog, existing_rows, {.leave_out = ledger.Tables()}, targets);
//   Dataset dataset = generator.Draw(random);
//   InsertResult inserted = Insert(session, dataset);
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "harness/catalog/catalog.h"
#include "harness/data/dataset.h"
#include "harness/data/kept_inserts.h"
#include "harness/data/random.h"

namespace migproof {

class ExistingRows;
class TableModels;

// Rows worth having, beyond chance: what aims propose (see aim.h).
struct Targets {
  struct Value {
    std::string column;  // quoted
    Cell value;
    bool operator==(const Value&) const = default;
  };
  struct TableTargets {
    // Each is a partial row: a row that holds all these values at once. Drawn into a case about every other time.
    std::vector<std::vector<Value>> rows;
    // Groups of columns in which two rows agree, their other columns drawn freely. An empty group: two rows at least.
    std::vector<std::vector<std::string>> agree;
    // Two rows that meet in a key still to come, though they need not be alike: the second agrees with the first in
    // `agree`, and where both name values of their own they hold those. Drawn about as often as a row of `rows`.
    struct Twins {
      std::vector<Value> first;
      std::vector<Value> second;
      std::vector<std::string> agree;
      bool operator==(const Twins&) const = default;
    };
    std::vector<Twins> twins;
    // Groups of columns (referencing, with the table and columns referred to) that hold no value of the other side in
    // some row, every other time; the other times every row holds one, as a foreign key still to come would have it.
    struct Orphan {
      std::vector<std::string> columns;
      std::string other_table;
      std::vector<std::string> other_columns;
      bool operator==(const Orphan&) const = default;
    };
    std::vector<Orphan> orphans;
    // Columns that hold NULL in some row where they may.
    std::set<std::string> nulls;
    bool operator==(const TableTargets&) const = default;
  };
  bool operator==(const Targets&) const = default;
  std::map<std::string, TableTargets> tables;  // by qualified name
};

struct RowGeneratorOptions {
  std::vector<std::string> leave_out;  // qualified tables that get no rows (the ledger's, those a revision owns)
  // Tables that every case fills (with what they refer to); of the others a case takes a few in turn. Empty: all.
  std::set<std::string> focus;
  std::size_t rows_per_table = 3;  // at most, about
  bool few_draws = false;          // so few that each is to hold what is aimed at, not every other one
  bool plain = false;              // a row in some tables, NULL in most of what may be, aimed at one thing at most
  // Columns ("public.orders.id") whose values count up from 1 though no sequence feeds them: one has before.
  std::set<std::string> numbered;
  UnstableColumns unsteady = {};  // of the rows that are there already, see ExistingRows
};

class RowGenerator {
 public:
  // `existing` are the rows there already (seeded by migrations): keys avoid them, foreign keys may use them.
  RowGenerator(const Catalog& catalog, const RowSnapshot& existing, RowGeneratorOptions options, Targets targets = {});
  ~RowGenerator();

  // The same random stream gives the same dataset. `broad`: every table, some rows each, one of them NULL in every
  // column that may be, where the CHECKs let it.
  Dataset Draw(Random& random, bool broad = false) const;

  // What it knows of the tables, and of the rows that are there.
  const TableModels& models() const;
  const ExistingRows& existing() const;

  // Why a table gets no rows ("public.t: no value passes CHECK ..."), as far as is known without a server.
  const std::map<std::string, std::string>& unfillable() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// What became of the rows of one dataset, for the count against vacuity.
struct TableFill {
  std::int64_t inserted = 0;
  std::int64_t refused = 0;
  std::map<std::string, std::int64_t> refusals;  // the server's reason ("23514 price_check"), counted
  std::map<std::string, std::string> messages;   // by reason: its words, once ("... (SQLSTATE 23514)")
};

struct InsertResult {
  std::map<std::string, TableFill> tables;
  // What of the dataset is in the database now: rows that were refused, left out. The very dataset where all are in.
  std::shared_ptr<const Dataset> inserted = std::make_shared<const Dataset>();
  bool at_once = false;  // all of it, in one go
  // As the server stored them, by table, in the order of the columns that Insert was told to return; of some tables.
  std::map<std::string, std::vector<std::vector<Cell>>> stored;
  std::vector<Rows> told;  // what InsertOptions::after gave; empty where it was not sent
};

struct InsertOptions {
  bool deferrable = true;  // HasDeferrable()
  // The columns to give back ("a, b"), by table; not of tables with rules, nor where row security hides rows from who
  // inserts them.
  const std::map<std::string, std::string>* returning = nullptr;
  KeptInserts* kept = nullptr;  // where many datasets are inserted by one session
  // What is sent along with the rows: before them, in any case; after them only where they all go in at once.
  std::vector<Session::Prepared> before = {};
  std::vector<Session::Prepared> after = {};
};

// The kinds of objects that may say DEFERRABLE in their definition.
inline constexpr const char* kDeferrableKinds[] = {"foreign key", "unique constraint", "primary key",
                                                   "exclusion constraint", "trigger"};

// Whether the catalog may have a constraint that is not checked at once (a constraint trigger that is not deferrable
// says the word too).
bool HasDeferrable(const Catalog& catalog);

// Inserts inside the open transaction, constraints immediate: each group in one statement; where that is refused, row
// by row behind savepoints, so that one bad row does not cost the rest. Error(server) only where the connection breaks.
InsertResult Insert(Session& session, std::shared_ptr<const Dataset> dataset, const InsertOptions& options = {});
InsertResult Insert(Session& session, Dataset dataset, const InsertOptions& options = {});

}  // namespace migproof
