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
};

class ExistingRows {
 public:
  ExistingRows(const TableModels& models, const RowSnapshot& snapshot);

  // Without rows for a table that has none (or more than a snapshot keeps).
  const ExistingTable& Of(const std::string& table) const;

 private:
  std::map<std::string, ExistingTable> tables_;
  ExistingTable none_;
};

}  // namespace migproof
