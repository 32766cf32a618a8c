// What a catalog says of tables, as far as whoever fills them with rows must know it.
//
//   const TableModels models(catalog);
//   const TableModel* orders = models.Find("public.orders");
//   // orders->foreign_keys[0].table == "public.customers"
//
// Only what can be filled by itself has a model: ordinary tables, inheritance children and the roots of partitioned
// ones. Partitions are filled through their roots; views and foreign tables are not.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/catalog/catalog.h"
#include "harness/data/check_solver.h"
#include "harness/data/column_generator.h"
#include "harness/data/column_type.h"
#include "harness/data/equality.h"

namespace migproof {

// What a generated column takes out of a document.
struct DocumentField {
  std::vector<std::string> path;   // the keys that lead there
  std::size_t taker = 0;           // the position of the generated column; the first, where there are several
  ColumnGenerator::Source source;  // of values that it takes
  bool through_function = false;   // whose demands nobody knows
  bool required = false;           // some taker must not be NULL
};

struct ColumnModel {
  std::string name;  // quoted
  ColumnType type;
  ColumnType plain;                            // what domains of it stand on, else the type itself
  const ColumnGenerator* generator = nullptr;  // of `plain`
  ColumnGenerator::Source source;              // likewise
  Equality equality = Equality::kSameText;
  bool nullable = true;    // neither the column, nor its domain, nor a primary key forbids NULL
  bool generated = false;  // computed by the server: never inserted
  bool identity = false;
  std::string default_text;  // as the server prints it, "" for none
  bool serial = false;       // the default takes from a sequence
  // What the domains it stands on demand of "VALUE"; null where they demand nothing.
  std::shared_ptr<const CheckSolver> domain_checks;
  // Values are counted up rather than drawn: an expression over the column, or an operator other than =, has to tell
  // rows apart.
  bool counted = false;
  // Ranges that do not overlap: an exclusion constraint asks for it.
  bool disjoint = false;
  bool indexed = false;               // some index holds it, and takes no value longer than a third of a page
  bool valueless = false;             // no value of its type is known: an enum without labels, a type that nobody knows
  bool numbered = false;              // see TableModels
  std::vector<DocumentField> fields;  // of json or jsonb: what the table's generated columns take out of it

  // Values are numbers from 1, as a sequence would give them.
  bool counts_up() const { return numbered || serial; }
};

// A primary key, unique constraint, unique index, or an exclusion constraint that different values satisfy.
struct KeyModel {
  std::string name;
  std::vector<std::size_t> columns;  // positions in TableModel::columns; those that expressions mention included
  bool nulls_distinct = true;
  // Where it holds only for some rows; null where for all.
  std::shared_ptr<const CheckSolver> predicate;
  // Of the columns, those that it tells rows apart by in another way than plain equality: by expressions, say.
  std::vector<std::size_t> expressed;
};

struct ForeignKeyModel {
  std::string name;
  std::vector<std::size_t> columns;  // positions
  std::string table;                 // referred to; a partition's stands for its root
  std::vector<std::string> other_columns;
  std::vector<std::size_t> other_positions;  // in the model of `table`; empty where that has no model
  bool match_full = false;
};

// A leaf of a partitioned table: what a row must be to get there.
struct PartitionModel {
  std::string name;
  std::shared_ptr<const CheckSolver> checks;  // the bounds and the table's CHECKs; null: nothing is known of them
};

struct TableModel {
  std::string name;  // qualified and quoted
  std::vector<ColumnModel> columns;
  CheckColumns check_columns;                 // all columns, as CheckSolver takes them
  std::shared_ptr<const CheckSolver> checks;  // those of triggers too (TriggerChecks); null where there are none
  std::vector<KeyModel> keys;
  std::vector<ForeignKeyModel> foreign_keys;
  bool partitioned = false;
  std::vector<PartitionModel> partitions;  // the leaves

  std::vector<std::string> ColumnNames() const;
  std::optional<std::size_t> Position(const std::string& column) const;
};

class TableModels {
 public:
  // `numbered`: columns ("public.orders.id") that a sequence has fed before, though none does here.
  explicit TableModels(const Catalog& catalog, const std::set<std::string>& numbered = {});

  const std::map<std::string, TableModel>& all() const { return tables_; }
  const TableModel* Find(const std::string& table) const;
  // The table itself, or the root it is a partition of.
  const std::string& Root(const std::string& table) const;

 private:
  std::map<std::string, TableModel> tables_;
  std::map<std::string, std::string> roots_;  // of partitions
};

}  // namespace migproof
