#include "migrations/flyway/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "migrations/flyway/files.h"
#include "migrations/format.h"
#include "migrations/session.h"

namespace migproof {

namespace {

std::string FileName(const std::string& path) { return std::filesystem::path(path).filename().string(); }

bool IsRepeatable(const Revision& revision) { return FileName(revision.where.file).front() == 'R'; }
bool IsBaseline(const Revision& revision) { return FileName(revision.where.file).front() == 'B'; }

// The part of a name behind "__", with spaces.
std::string DescriptionOf(const std::string& path) {
  const std::string stem = std::filesystem::path(path).stem().string();
  const std::size_t separator = stem.find("__");
  std::string description = separator == std::string::npos ? "" : stem.substr(separator + 2);
  std::replace(description.begin(), description.end(), '_', ' ');
  return description.substr(0, 200);
}

// Flyway sums up a versioned file as it lies there, before placeholders are filled in, and a repeatable one afterwards.
int SumOf(const Revision& revision, const Script& script) {
  if (!IsRepeatable(revision)) {
    try {
      return FlywayChecksum(ReadTextFile(script.file()));
    } catch (const Error&) {
      return FlywayChecksum(script.text());  // a script that is in no file
    }
  }
  return FlywayChecksum(script.text());
}

FlywayVersion VersionOf(std::string_view text) {
  FlywayVersion version;
  FlywayVersion::Parse(text, version);
  return version;
}

// What the rows say, in their order.
class FlywayState {
 public:
  explicit FlywayState(const History& history) : history_(history) {
    for (const Revision* revision : history.Linear()) {
      if (IsRepeatable(*revision)) continue;
      by_version_.emplace(VersionOf(revision->ledger_key), revision);
      if (IsBaseline(*revision)) baseline_ = revision;
    }
  }

  void Take(const Rows& rows, int i) {
    const std::string type(rows.Get(i, 2));
    if (type == "SCHEMA") return;
    if (rows.IsNull(i, 0)) {
      repeatable_[std::string(rows.Get(i, 1))] = type == "DELETE" ? "" : std::string(rows.Get(i, 3));
      if (!rows.GetBool(i, 4)) dirty_.emplace_back(rows.Get(i, 1));
      return;
    }
    const FlywayVersion version = VersionOf(rows.Get(i, 0));
    const auto same = [&](const Row& row) { return row.version == version; };
    applied_.erase(std::remove_if(applied_.begin(), applied_.end(), same), applied_.end());
    if (type.rfind("UNDO", 0) == 0 || type == "DELETE") return;
    applied_.push_back({version, rows.IsNull(i, 3) ? "" : std::string(rows.Get(i, 3)), !rows.GetBool(i, 4)});
    if (type == "BASELINE") mark_ = version;
  }

  std::vector<LedgerEntry> Entries() const {
    std::vector<LedgerEntry> entries;
    if (mark_) AddUpTo(*mark_, entries);
    for (const Row& row : applied_) Add(row, entries);
    for (const std::string& script : dirty_) entries.push_back({RepeatableId(script), "", true});
    AddRepeatable(entries);
    return entries;
  }

 private:
  struct Row {
    FlywayVersion version;
    std::string checksum;
    bool dirty = false;
  };

  void AddUpTo(const FlywayVersion& mark, std::vector<LedgerEntry>& entries) const {
    for (const auto& known : by_version_) {
      const bool has_row =
          std::any_of(applied_.begin(), applied_.end(), [&](const Row& row) { return row.version == known.first; });
      const bool by_mark = known.first == mark || !has_row;
      if (known.first <= mark && by_mark) entries.push_back({known.second->id, "", false});
    }
  }

  void Add(const Row& row, std::vector<LedgerEntry>& entries) const {
    if (mark_ && row.version == *mark_) return;
    const auto known = by_version_.find(row.version);
    const Revision* revision = known == by_version_.end() ? nullptr : known->second;
    if (revision == nullptr && baseline_ != nullptr && row.version < VersionOf(baseline_->ledger_key)) return;
    LedgerEntry entry{revision == nullptr ? row.version.text() : revision->id, row.checksum, row.dirty};
    if (revision != nullptr &&
        (IsBaseline(*revision) || row.checksum == std::to_string(SumOf(*revision, revision->upgrade.script)))) {
      entry.checksum = row.checksum.empty() ? "" : revision->Checksum();
    }
    entries.push_back(entry);
  }

  std::string RepeatableId(const std::string& script) const {
    for (const Revision& revision : history_.revisions()) {
      if (IsRepeatable(revision) && DescriptionOf(revision.where.file) == script) return revision.id;
    }
    return script;
  }

  void AddRepeatable(std::vector<LedgerEntry>& entries) const {
    std::set<std::string_view> there;
    for (const LedgerEntry& entry : entries) there.insert(entry.revision);
    for (const Revision* revision : history_.Linear()) {
      if (!IsRepeatable(*revision)) {
        if (!there.contains(revision->id)) return;
        continue;
      }
      const auto recorded = repeatable_.find(DescriptionOf(revision->where.file));
      const bool applied = recorded != repeatable_.end() &&
                           recorded->second == std::to_string(SumOf(*revision, revision->upgrade.script));
      if (!applied) return;
      if (!there.contains(revision->id)) entries.push_back({revision->id, revision->Checksum(), false});
    }
  }

  const History& history_;
  std::map<FlywayVersion, const Revision*> by_version_;
  const Revision* baseline_ = nullptr;
  std::vector<Row> applied_;
  std::map<std::string, std::string> repeatable_;  // sums, by description
  std::vector<std::string> dirty_;                 // repeatable ones
  std::optional<FlywayVersion> mark_;
};

}  // namespace

int FlywayChecksum(std::string_view text) {
  static const std::array<std::uint32_t, 256> kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
      table[i] = i;
      for (int bit = 0; bit < 8; ++bit) table[i] = table[i] >> 1 ^ ((table[i] & 1) != 0 ? 0xEDB88320U : 0U);
    }
    return table;
  }();
  std::uint32_t sum = 0xFFFFFFFFU;
  for (const char c : text) {
    if (c != '\n' && c != '\r') sum = kTable[(sum ^ static_cast<unsigned char>(c)) & 0xFFU] ^ sum >> 8;
  }
  return static_cast<int>(~sum);
}

std::vector<std::string> FlywayLedger::CreateSql() const {
  const std::string name = table_.substr(table_.find('.') + 1);
  return {fmt::format("CREATE TABLE IF NOT EXISTS {} (installed_rank int NOT NULL CONSTRAINT {}_pk PRIMARY KEY, "
                      "version varchar(50), description varchar(200) NOT NULL, type varchar(20) NOT NULL, "
                      "script varchar(1000) NOT NULL, checksum integer, installed_by varchar(100) NOT NULL, "
                      "installed_on timestamp NOT NULL DEFAULT now(), execution_time integer NOT NULL, "
                      "success boolean NOT NULL)",
                      table_, name),
          fmt::format("CREATE INDEX IF NOT EXISTS {}_s_idx ON {} (success)", name, table_)};
}

std::vector<std::string> FlywayLedger::AfterSql(const Step& step, const History& history) const {
  const Revision& revision = *step.revision;
  const bool down = step.direction == Direction::kDowngrade;
  const Script& script = down ? revision.downgrade->script : revision.upgrade.script;
  std::vector<std::string> sql;
  if (step.direction == Direction::kStamp) sql = ForgetSql(revision, history);
  const std::string& file = down ? script.file() : revision.where.file;
  sql.push_back(fmt::format(
      "INSERT INTO {0} (installed_rank, version, description, type, script, checksum, installed_by, execution_time, "
      "success) SELECT coalesce(max(installed_rank), 0) + 1, {1}, {2}, '{3}', {4}, {5}, current_user, 0, true FROM {0}",
      table_, IsRepeatable(revision) ? "NULL" : SqlLiteral(revision.ledger_key), SqlLiteral(DescriptionOf(file)),
      down                   ? "UNDO_SQL"
      : IsBaseline(revision) ? "SQL_BASELINE"
                             : "SQL",
      SqlLiteral(ScriptName(file)), SumOf(revision, script)));
  return sql;
}

std::string FlywayLedger::ScriptName(const std::string& file) const {
  const std::filesystem::path relative = std::filesystem::path(file).lexically_relative(directory_);
  const bool inside = !relative.empty() && *relative.begin() != "..";
  return inside ? relative.string() : FileName(file);
}

std::vector<std::string> FlywayLedger::ForgetSql(const Revision& revision, const History&) const {
  if (IsRepeatable(revision)) {
    return {fmt::format("DELETE FROM {} WHERE version IS NULL AND description = {}", table_,
                        SqlLiteral(DescriptionOf(revision.where.file)))};
  }
  return {fmt::format("DELETE FROM {} WHERE version = {}", table_, SqlLiteral(revision.ledger_key))};
}

std::vector<LedgerEntry> FlywayLedger::Read(Session& session, const History& history) const {
  const Rows rows = ReadTableIfThere(
      session, table_,
      fmt::format("SELECT version, description, type, checksum, success FROM {} ORDER BY installed_rank", table_));
  FlywayState state(history);
  for (int i = 0; i < rows.size(); ++i) state.Take(rows, i);
  return state.Entries();
}

}  // namespace migproof
