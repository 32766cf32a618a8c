// sqlx: VERSION_title.sql, or VERSION_title.up.sql and VERSION_title.down.sql.
//
// Facts of the tool that this file imitates:
// - Files named with a '_' and ending in .sql; the version is what stands before the first '_', and must be a number,
//   which orders them. Everything else is ignored, directories too.
// - A file is sent as one query, within a transaction unless its first bytes are '-- no-transaction'. Anywhere else
// that
//   line means nothing to the tool, and is refused here.
// - The ledger's row is written in the same transaction and holds the SHA-384 of the file. A file whose sum is another
//   one is refused; the time that a step took is written afterwards, and is 0 here. A row without success is dirty.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "migrations/annotated_text.h"
#include "migrations/digest.h"
#include "migrations/format.h"
#include "migrations/linear_format.h"
#include "migrations/recognise.h"
#include "migrations/session.h"

namespace migproof {

namespace {

constexpr std::string_view kSqlxMark = "-- no-transaction";

enum class SqlxKind { kSimple, kUp, kDown };

struct SqlxName {
  std::string_view version;
  SqlxKind kind = SqlxKind::kSimple;
  std::string stem;  // "0001_title"
};

std::optional<SqlxName> ParseSqlxName(std::string_view name) {
  const std::size_t mark = name.find('_');
  if (mark == std::string_view::npos || !name.ends_with(".sql")) return std::nullopt;
  SqlxName parsed{name.substr(0, mark), SqlxKind::kSimple, ""};
  std::string_view suffix = ".sql";
  if (name.ends_with(".up.sql")) parsed.kind = SqlxKind::kUp, suffix = ".up.sql";
  if (name.ends_with(".down.sql")) parsed.kind = SqlxKind::kDown, suffix = ".down.sql";
  parsed.stem = name.substr(0, std::max(mark, name.size() - suffix.size()));
  return parsed;
}

struct SqlxPair {
  SectionFiles files;
  std::string stem;
};

std::int64_t SqlxVersion(const std::filesystem::path& path, std::string_view text) {
  std::int64_t version = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (failure == std::errc() && end == text.data() + text.size()) return version;
  throw Error(ErrorKind::kHistory, fmt::format("'{}' is no version: sqlx wants a number before the first '_'", text))
      .WithLocation({path.string(), 0});
}

std::map<std::int64_t, SqlxPair> PairSqlxFiles(const std::filesystem::path& directory) {
  std::map<std::int64_t, SqlxPair> pairs;
  for (const auto& entry : ListDirectory(directory)) {
    const std::string file = entry.filename().string();
    const auto name = ParseSqlxName(file);
    if (!name || std::filesystem::is_directory(entry)) continue;
    SqlxPair& pair = pairs[SqlxVersion(entry, name->version)];
    ClaimPlace(name->kind == SqlxKind::kDown ? pair.files.down : pair.files.up, entry, name->version,
               "sqlx knows a migration by its number alone");
    if (name->kind != SqlxKind::kDown) pair.stem = name->stem;
  }
  return pairs;
}

Section ReadSqlxFile(const std::filesystem::path& path, std::vector<Declaration>& declarations) {
  Section section = ReadSectionFile(path, Execution::kTransaction, declarations);
  const std::string& text = section.script.text();
  if (text.rfind(kSqlxMark, 0) == 0) {
    section.execution = Execution::kOneQuery;
    return section;
  }
  for (const TextLine& line : SplitLines(text)) {
    if (TrimSpace(line.text) != kSqlxMark) continue;
    throw Error(ErrorKind::kHistory, fmt::format("'{}' stands where sqlx does not see it", kSqlxMark))
        .WithLocation({path.string(), line.number})
        .WithHint("it must be the first bytes of the file; here the step runs in a transaction");
  }
  return section;
}

class SqlxLedger : public Ledger {
 public:
  explicit SqlxLedger(std::string table) : table_(std::move(table)) {}

  std::vector<std::string> Tables() const override { return {table_}; }

  std::vector<std::string> CreateSql() const override {
    return {
        fmt::format("CREATE TABLE IF NOT EXISTS {} (version bigint PRIMARY KEY, description text NOT NULL, "
                    "installed_on timestamptz NOT NULL DEFAULT now(), success boolean NOT NULL, "
                    "checksum bytea NOT NULL, execution_time bigint NOT NULL)",
                    table_)};
  }

  std::vector<std::string> BeforeSql(const Step&, const History&) const override { return {}; }

  std::vector<std::string> AfterSql(const Step& step, const History& history) const override {
    if (step.direction == Direction::kDowngrade) return ForgetSql(*step.revision, history);
    std::string insert = fmt::format(
        "INSERT INTO {} (version, description, success, checksum, execution_time) "
        "VALUES ({}, {}, true, decode('{}', 'hex'), 0)",
        table_, step.revision->ledger_key, SqlLiteral(step.revision->title), SumOf(*step.revision));
    if (step.direction == Direction::kStamp) {
      insert += " ON CONFLICT (version) DO UPDATE SET success = true, checksum = excluded.checksum";
    }
    return {insert};
  }

  std::vector<std::string> ForgetSql(const Revision& revision, const History&) const override {
    return {fmt::format("DELETE FROM {} WHERE version = {}", table_, revision.ledger_key)};
  }

  // The sum of a file that is as it was is given as Revision::Checksum, which callers compare with.
  std::vector<LedgerEntry> Read(Session& session, const History& history) const override {
    const Rows rows = ReadTableIfThere(
        session, table_,
        fmt::format("SELECT version, encode(checksum, 'hex'), success FROM {} ORDER BY version", table_));
    std::vector<LedgerEntry> entries = EntriesByKey(rows, history);
    for (int i = 0; i < rows.size(); ++i) {
      LedgerEntry& entry = entries[static_cast<std::size_t>(i)];
      entry.checksum = rows.Get(i, 1);
      entry.dirty = !rows.GetBool(i, 2);
      const Revision* revision = history.Find(entry.revision);
      if (revision != nullptr && SumOf(*revision) == entry.checksum) entry.checksum = revision->Checksum();
    }
    return entries;
  }

 private:
  static std::string SumOf(const Revision& revision) { return Sha384Hex(revision.upgrade.script.text()); }

  std::string table_;
};

class SqlxFormat : public Format {
 public:
  std::string_view Summary() const override {
    return "sqlx: N_title.sql, or N_title.up.sql and N_title.down.sql, '-- no-transaction' first";
  }

  bool SharesSession() const override { return true; }

  std::vector<Revision> Read(const std::filesystem::path& directory) const override {
    std::map<std::int64_t, Revision> by_version;
    for (const auto& [version, pair] : PairSqlxFiles(directory)) {
      RefuseDownAlone(pair.files, std::to_string(version));
      Revision& revision = by_version[version];
      revision.id = pair.stem;
      revision.ledger_key = std::to_string(version);
      revision.title = pair.stem.substr(pair.stem.find('_') + 1);
      std::replace(revision.title.begin(), revision.title.end(), '_', ' ');
      revision.where = {pair.files.up.string(), 1};
      revision.upgrade = ReadSqlxFile(pair.files.up, revision.declarations);
      if (!pair.files.down.empty()) revision.downgrade = ReadSqlxFile(pair.files.down, revision.declarations);
    }
    return InOneLine(std::move(by_version));
  }

  std::unique_ptr<Ledger> MakeLedger(const ToolSettings& settings) const override {
    return std::make_unique<SqlxLedger>(TableName(settings, "public._sqlx_migrations"));
  }

  // Its names are golang-migrate's and others' too: of those only the widths that `sqlx migrate add` makes.
  Recognition Recognise(const std::filesystem::path& directory) const override {
    Recognition marked = RecogniseByLine(directory, ".sql", kSqlxMark,
                                         [](std::string_view line) { return line.rfind(kSqlxMark, 0) == 0; });
    const std::vector<std::string> names = NamesIn(directory);
    std::size_t fitting = 0;
    for (const std::string& name : names) {
      const auto parsed = ParseSqlxName(name);
      if (!parsed) continue;
      const std::string_view version = parsed->version;
      if (version.empty() || LeadingDigits(version) != version) return {};
      const bool made_by_tool = version.size() == 14 || (version.size() == 4 && version.front() == '0');
      if (made_by_tool || marked) ++fitting;
    }
    if (fitting == 0) return {};
    if (marked) return marked;
    if (ProjectNames(directory, "Cargo.toml", "sqlx")) {
      return {fmt::format("Cargo.toml names sqlx; {}", RecogniseByNames(fitting, "N_title.sql", true).by), true};
    }
    return RecogniseByNames(fitting, "N_title.sql", false);
  }

  std::vector<NewFile> MakeRevision(const Revision& revision) const override {
    RefuseMerge(revision, "sqlx");
    const std::string_view parent = revision.parents.empty() ? "" : LeadingDigits(revision.parents.front());
    const std::string stem = fmt::format("{}_{}", NextVersion(parent), TitleSlug(revision.title));
    return {{stem + ".up.sql", "-- what this migration does\n"}, {stem + ".down.sql", "-- what undoes it\n"}};
  }
};

const Registered<Format, SqlxFormat> kSqlx("sqlx");

}  // namespace

}  // namespace migproof
