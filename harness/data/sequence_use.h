// Sequences as an application leaves them behind: in use, and where columns take their values from them, level with the
// largest key.
//
//   for (const std::string& sql : UseSequences(catalog, dataset)) session.Execute(sql);  // after the rows went in
//   if (auto key = LargestKeyBeyond(use, rows)) ...                                       // the next value may collide
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/catalog/catalog.h"
#include "harness/data/dataset.h"
#include "harness/data/rows.h"

namespace migproof {

// A column of whole numbers whose default, or identity, takes the next value of a sequence.
struct SequenceUse {
  std::string sequence;  // qualified and quoted, as the table is
  std::string table;
  std::string column;  // quoted
  std::int64_t increment = 1;

  bool operator==(const SequenceUse&) const = default;
};

// In the order of the columns' names.
std::vector<SequenceUse> SequenceUses(const Catalog& catalog);

// Columns ("public.orders.id") of whole numbers that a sequence feeds in `was` and none does in `is`.
std::set<std::string> NoLongerNumbered(const Catalog& was, const Catalog& is);

// The largest key of the column (the smallest, where the sequence counts down) where the sequence has yet to get there;
// nothing where it is level or ahead, or where the rows are not known one by one.
std::optional<std::int64_t> LargestKeyBeyond(const SequenceUse& use, const RowSnapshot& rows);

// What brings the sequences of the dataset's tables level with their keys, and takes some values from sequences that no
// column uses. No sequence moves back; one that can't reach its keys stays.
std::vector<std::string> UseSequences(const Catalog& catalog, const Dataset& dataset);

// The same, the catalog read once for many datasets.
class SequenceStatements {
 public:
  explicit SequenceStatements(const Catalog& catalog);
  std::vector<std::string> For(const Dataset& dataset) const;

 private:
  std::vector<std::pair<std::string, std::string>> by_table_;  // table and statement
  std::vector<std::string> always_;
};

}  // namespace migproof
