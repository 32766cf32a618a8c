// What generated rows have filled, against vacuity: tables, columns seen NULL and not, what the server refused and why.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <vector>

#include "harness/catalog/catalog.h"
#include "harness/data/row_generator.h"

namespace migproof {

class Coverage {
 public:
  // One case: what became of its rows in a database that looks like `catalog`; `forbidden` were taken out again because
  // an assumption forbids them; `present` is what the tables held then, however it came there. The catalog is the same
  // for all that is added, until Merge.
  void Add(const InsertResult& inserted, const Catalog& catalog, std::int64_t forbidden, const RowSnapshot& present);
  // Tables that no rows were drawn for, and why ("no value passes its CHECKs").
  void AddUnfillable(const std::map<std::string, std::string>& reasons);
  // What the server says to rows that were meant for such a table and break its rules.
  void AddRefusals(const std::string& table, const TableFill& fill);
  void Merge(const Coverage& other);

  std::int64_t rows() const;
  std::int64_t refused() const;
  std::int64_t forbidden() const { return forbidden_; }
  std::size_t tables() const { return tables_.size(); }
  std::size_t tables_filled() const;
  // Columns that may be NULL, in tables that were filled; and how many of them were seen both NULL and not.
  std::int64_t nullable_columns() const;
  std::int64_t nullable_columns_seen_both_ways() const;
  // Tables that stayed empty, "public.t stayed empty: the server refused all its rows: new row for relation "t"
  // violates check constraint "t_check" (SQLSTATE 23514)". With `among`, these tables only.
  std::vector<std::string> Empty() const;
  std::vector<std::string> Empty(const std::set<std::string>& among) const;

  friend nlohmann::json ToJson(const Coverage& coverage);
  static Coverage FromJson(const nlohmann::json& json);

 private:
  struct Cells {
    bool nullable = false;  // the column; of others nothing is told
    std::int64_t null = 0;
    std::int64_t filled = 0;

    bool Count() const { return nullable && null + filled > 0; }
  };
  struct Table {
    TableFill fill;
    std::map<std::string, Cells> cells;  // by column
    bool present = false;
    std::string unfillable;  // why no rows were drawn for it
  };

  static void CountCells(const DatasetTable& rows, const Catalog& catalog, Table& table);

  std::map<std::string, Table> tables_;
  std::int64_t forbidden_ = 0;
};

// {"tables": {"public.orders": {"rows": 12, "present": true, "refused": 1, "reasons": {"23514 c": 1}, "messages":
// {"23514 c": "... (SQLSTATE 23514)"}, "unfillable": "", "nullable": {"note": [3, 9]}}}, "empty": [...], "forbidden":
// 0}; under "nullable", how often a column was NULL and how often it was not, under "empty" what Empty says.
nlohmann::json ToJson(const Coverage& coverage);

}  // namespace migproof
