// The references within a dataset: which rows hang on others, and what has to change with a cell.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/data/dataset.h"
#include "harness/data/existing_rows.h"
#include "harness/data/table_model.h"

namespace migproof {

class DatasetReferences {
 public:
  DatasetReferences(const TableModels& models, const ExistingRows& existing);

  // Takes out the rows that refer to what is neither in the database already nor in the dataset, and those that refer
  // to them in turn, and the tables without rows. True where there were such rows.
  bool DropDangling(Dataset& dataset) const;

  // By table and row of a dataset, whether it is kept: those too, then, that kept rows refer to.
  using Kept = std::vector<std::vector<bool>>;
  void KeepReferred(const Dataset& dataset, Kept& kept) const;

  // Sets a cell, and those that refer to it.
  void Change(Dataset& dataset, std::size_t table, std::size_t row, std::size_t column, const Cell& value) const;

  // Whether keys, foreign keys, CHECKs or exclusion constraints look at a column of a table.
  bool Matters(const TableModel& table, std::size_t column) const;

  // Whether the keys and CHECKs of every table let its rows pass, as far as can be told without a server.
  bool IsPlausible(const Dataset& dataset, const std::string& table) const;

 private:
  std::vector<bool> Dangling(const Dataset& dataset, const DatasetTable& table) const;
  bool KeepReferred(const Dataset& dataset, std::size_t t, Kept& kept) const;

  const TableModels& models_;
  const ExistingRows& existing_;
  std::map<const TableModel*, std::set<std::size_t>> mattering_;
};

}  // namespace migproof
