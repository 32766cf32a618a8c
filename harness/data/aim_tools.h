// What aims are made of: the questions they ask of a change, and a careful hand that writes down what they propose.
//
//   void Propose(const AimInput& input, Targets& targets) const override {
//     Proposal proposal(input, targets);
//     for (const ColumnChange& change : ChangedTypes(input)) proposal.Row(change.table, {{change.column, "abc"}});
//   }
//
// Columns are named without their table, quoted as in the catalog.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/data/aim.h"
#include "harness/data/check_solver.h"
#include "harness/data/column_type.h"

namespace migproof {

// The text of an attribute, "" where it is absent.
std::string AttributeOf(const CatalogObject& object, const std::string& name);
const CatalogObject* FindColumn(const Catalog& catalog, const std::string& table, const std::string& column);
std::vector<std::string> ColumnsOf(const Catalog& catalog, const std::string& table);
// The name of a column that a key of kind "column" stands for.
std::string ColumnName(const ObjectKey& key, const CatalogObject& object);
// The types of all columns of a table, as CheckSolver takes them.
CheckColumns CheckColumnsOf(const Catalog& catalog, const std::string& table);
// True for varchar, text, char and citext, and domains over them.
bool IsText(const ColumnType& type);
// True for what counts exactly, and for floating point.
bool IsNumber(const ColumnType& type);

// Values of a column that come under another type: the column is retyped, or a statement fills another column from it.
struct ColumnChange {
  std::string table;   // there before
  std::string column;  // likewise
  ColumnType was;
  ColumnType is;
  bool retyped = false;  // for certain: it is the same column
};
std::vector<ColumnChange> ChangedTypes(const AimInput& input);

// A constraint or index that the upgrade adds or changes, with a table whose rows will be held against it: its own, or
// for a table that is new one that a statement fills it from.
struct NewRule {
  std::string table;  // there before
  std::string name;
  std::string definition;
};
std::vector<NewRule> NewRules(const AimInput& input, std::string_view kind);

// Columns that take NULL before, and don't any more.
struct NewNotNull {
  std::string table;
  std::string column;
};
std::vector<NewNotNull> ColumnsNowNotNull(const AimInput& input);

// The columns of tables there before that one statement names, beside what it says about them.
struct NamedColumns {
  std::string table;
  std::vector<std::string> columns;
  std::vector<std::string> literals;  // of strings, unquoted, each once
  std::vector<std::string> numbers;   // as they are written, each once
  std::set<std::string> words;        // all of them, lower case
  bool calculates = false;            // holds + - * / or %
  std::string_view statement;         // its text, one of the input's
};
std::vector<NamedColumns> NamedInStatements(const AimInput& input);

// Columns ("public.orders.id") that a sequence feeds, before or after.
std::set<std::string> NumberedColumns(const AimInput& input);
// Zero, or less: what no sequence gives, unless it was told to.
inline bool IsBelowOne(std::string_view number) { return number == "0" || number.starts_with('-'); }

// Writes down what can be had: of tables and columns that are there before and take values; each thing once. A
// partition stands for its root.
class Proposal {
 public:
  Proposal(const AimInput& input, Targets& targets) : before_(input.before), targets_(targets) {}

  void Row(const std::string& table, std::vector<Targets::Value> values);
  void Null(const std::string& table, const std::string& column);
  void TwoRows(const std::string& table);
  void Agree(const std::string& table, const std::vector<std::string>& columns);
  void Twins(const std::string& table, Targets::TableTargets::Twins twins);
  void Orphan(const std::string& table, Targets::TableTargets::Orphan orphan);
  // The rows of a CheckSolver.
  void Rows(const std::string& table, const std::vector<CheckRow>& rows);

 private:
  // Null where the table or one of the columns is not there.
  Targets::TableTargets* Of(const std::string& table, const std::vector<std::string>& columns);

  const Catalog& before_;
  Targets& targets_;
};

// An aim may draw; the same input must give the same rows.
inline Random AimRandom(std::string_view aim) { return Random(0).Split(aim); }

}  // namespace migproof
