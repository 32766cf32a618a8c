// Concrete rows for several tables: what a case inserts, what shrinking makes smaller, what a reproduction stores.
#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/data/rows.h"

namespace migproof {

struct DatasetTable {
  std::string table;                    // qualified and quoted, as in the catalog: public.orders
  std::vector<std::string> columns;     // quoted; a column that is left out takes its default
  std::vector<std::vector<Cell>> rows;  // text in the form the types' input functions read, or NULL
  // Tables that stand one behind the other with the same group are inserted in one statement, so that foreign keys may
  // go in a circle (they are checked at the end of the statement).
  int group = 0;

  bool operator==(const DatasetTable&) const = default;
};

struct Dataset {
  std::vector<DatasetTable> tables;  // in the order of insertion: parents before children
  bool new_shape = false;            // rows for the database after the upgrade, not before it
  bool forbidden = false;            // rows among which some break what the revision assumes; they stay in

  std::size_t Rows() const;
  bool operator==(const Dataset&) const = default;
};

// {"tables": [{"table": "public.orders", "columns": [...], "rows": [[...]], "group": 0}]}, and "new_shape": true or
// "forbidden": true where that is so.
nlohmann::json ToJson(const Dataset& dataset);
Dataset DatasetFromJson(const nlohmann::json& json);

// The tables that are inserted into in one statement, for each of them; those that have rows.
using InsertGroup = std::vector<const DatasetTable*>;
std::vector<InsertGroup> InsertGroups(const Dataset& dataset);

// The INSERT of a group, readable: a row on a line. OVERRIDING SYSTEM VALUE throughout, so that identity columns take
// the value given. `returning`: the columns of the last table that come back ("a, b"); "": none.
std::string InsertStatement(const InsertGroup& group, const std::string& returning = "");

// Those of all groups, each ending in ";\n".
std::vector<std::string> InsertStatements(const Dataset& dataset);

}  // namespace migproof
