// The version table of a tool: which revisions a database has.
//
// Writing is plain SQL text, so that the online run and the offline script (--sql) say the same thing; only reading
// needs a session.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "migrations/history.h"

namespace migproof {

class Rows;
class Session;

struct LedgerEntry {
  std::string revision;  // revision id, or the raw key where the history has no such revision
  std::string checksum;  // "" where the tool keeps none
  bool dirty = false;    // the tool's own mark for a step that began and did not end
};

enum class Direction { kUpgrade, kDowngrade, kStamp };

std::string_view Name(Direction direction);

// One move of one revision. kStamp writes the ledger as an upgrade would, without running the script.
struct Step {
  Direction direction = Direction::kUpgrade;
  const Revision* revision = nullptr;
};

class Ledger {
 public:
  virtual ~Ledger() = default;

  // The tables (qualified names, "public.schema_migrations") that belong to the tool: no law compares them.
  virtual std::vector<std::string> Tables() const = 0;
  // Makes them where they are not there; runs before the first step, safe to repeat.
  virtual std::vector<std::string> CreateSql() const = 0;
  // What the tool writes before a step's script (outside its transaction), usually nothing.
  virtual std::vector<std::string> BeforeSql(const Step& step, const History& history) const = 0;
  // What it writes after it (inside the transaction where the step has one). For Direction::kStamp: the same entry
  // an upgrade leaves.
  virtual std::vector<std::string> AfterSql(const Step& step, const History& history) const = 0;
  // Takes an entry away without running anything (stamp to an older revision).
  virtual std::vector<std::string> ForgetSql(const Revision& revision, const History& history) const = 0;
  // What is applied, in applied order where the table keeps one. No table: nothing is applied.
  virtual std::vector<LedgerEntry> Read(Session& session, const History& history) const = 0;
};

// `text` as an SQL string literal, whatever standard_conforming_strings says.
std::string SqlLiteral(std::string_view text);

// The rows of `query`, none where `table` (a qualified name) is not there.
Rows ReadTableIfThere(Session& session, std::string_view table, std::string_view query);

}  // namespace migproof
