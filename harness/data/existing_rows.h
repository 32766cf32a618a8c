// The rows that are in a database already, by the tables that hold them and in the order of the models' columns.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/data/rows.h"
#include "harness/data/table_model.h"

namespace migproof {

struct ExistingTable {
  std::vector<std::vector<Cell>> rows;       // of partitions, those of the root
  std::vector<std::set<std::string>> taken;  // by key of the model: its KeyTexts
  std::uint64_t unseen = 0;                  // rows that the snapshot counts and does not keep
  std::set<std::size_t> unsteady;            // columns of the model, see ExistingRows
};

class ExistingRows {
 public:
  // `unsteady`: columns that hold something else in every database that the same revisions made (ids by chance).
  ExistingRows(const TableModels& models, const RowSnapshot& snapshot, const UnstableColumns& unsteady = {});

  // Without rows for a table that has none (or more than a snapshot keeps).
  const ExistingTable& Of(const std::string& table) const;
  // The rows that a foreign key may refer to: none where it goes by an unsteady column, as what refers to such a row
  // has nothing to refer to in another database.
  const std::vector<std::vector<Cell>>& ReferredBy(const ForeignKeyModel& key) const;

 private:
  std::map<std::string, ExistingTable> tables_;
  ExistingTable none_;
};

}  // namespace migproof
