// Draws a single cell, whatever refers to it or is told apart by it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/data/random.h"
#include "harness/data/rows.h"
#include "harness/data/table_model.h"

namespace migproof {

class CellDrawer {
 public:
  // `unseen` rows are there already of which nothing is known: keys are counted up from well beyond them.
  CellDrawer(const TableModel& table, std::uint64_t unseen, Random& random);

  // NULL about every fourth time where it may be; nothing where the type has no value that its domains let pass.
  // `rows` are those before it: a value of theirs comes again now and then, unless the column is told apart by a key.
  // `distinct`: keys take values that differ from all before.
  std::optional<Cell> Draw(std::size_t column, const std::vector<std::vector<Cell>>& rows, bool distinct);

  // A value that hardly any other draw comes upon.
  std::optional<std::string> Remote(std::size_t column);

 private:
  std::optional<std::string> Value(std::size_t column, bool distinct);
  std::optional<std::string> NextDistinct(std::size_t column);
  bool Passes(const ColumnModel& column, const std::string& value) const;
  std::string WithFields(const ColumnModel& column, std::string document);
  std::optional<std::string> FieldValue(const DocumentField& field);

  const TableModel& table_;
  Random& random_;
  bool unseen_;
  std::vector<bool> in_key_;
  std::vector<std::uint64_t> next_;
};

}  // namespace migproof
