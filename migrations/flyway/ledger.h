// flyway_schema_history: one row for each run, in the order of installed_rank.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "migrations/ledger.h"

namespace migproof {

// An upgrade adds a row of the type SQL (SQL_BASELINE for a baseline), a downgrade one of the type UNDO_SQL; the newest
// row of a version says whether it is applied. A row BASELINE stands for all versions up to its own. A repeatable
// migration is applied where its newest row has the sum of today's file, and everything before it is applied: else it
// is pending, since Flyway runs it again. Rows of versions that a baseline of the history replaces count for that.
// A row without success is dirty. The row is written in the step's transaction; the tool writes it directly behind
// that.
class FlywayLedger : public Ledger {
 public:
  // `directory`: which the names of scripts count from.
  FlywayLedger(std::string table, std::filesystem::path directory)
      : table_(std::move(table)), directory_(std::move(directory)) {}

  std::vector<std::string> Tables() const override { return {table_}; }
  std::vector<std::string> CreateSql() const override;
  std::vector<std::string> BeforeSql(const Step&, const History&) const override { return {}; }
  std::vector<std::string> AfterSql(const Step& step, const History& history) const override;
  std::vector<std::string> ForgetSql(const Revision& revision, const History& history) const override;
  std::vector<LedgerEntry> Read(Session& session, const History& history) const override;

 private:
  std::string ScriptName(const std::string& file) const;

  std::string table_;
  std::filesystem::path directory_;
};

// The sum that Flyway keeps of a text: CRC-32 over its lines, without their ends.
int FlywayChecksum(std::string_view text);

}  // namespace migproof
