// Authelia's own layout: V0001.Some_Name.up.sql and V0001.Some_Name.down.sql.
//
// Facts of the program that this file imitates:
// - Every file is named V, four digits, a name without points, up or down; any other name is refused. The number
// orders.
// - A file is sent as one query within a transaction; one of no bytes is not sent.
// - The ledger has a row for each step, up and down: the newest says which version the database is at. The first
//   migration makes the table and its downgrade drops it, so that no row is written for that. It is made beforehand
//   here, in the shape that the first migration gives it.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>

#include "migrations/annotated_text.h"
#include "migrations/format.h"
#include "migrations/linear_format.h"
#include "migrations/recognise.h"
#include "migrations/session.h"

namespace migproof {

namespace {

struct AutheliaName {
  int version = 0;
  std::string name;
  bool up = false;
};

std::optional<AutheliaName> ParseAutheliaName(std::string_view file) {
  if (file.substr(0, 1) != "V" || LeadingDigits(file.substr(1)).size() != 4) return std::nullopt;
  AutheliaName parsed;
  std::from_chars(file.data() + 1, file.data() + 5, parsed.version);
  std::string_view rest = file.substr(5);
  parsed.up = rest.ends_with(".up.sql");
  if (!parsed.up && !rest.ends_with(".down.sql")) return std::nullopt;
  rest.remove_suffix(parsed.up ? 7 : 9);
  if (rest.size() < 2 || rest.front() != '.' || rest.find('.', 1) != std::string_view::npos) return std::nullopt;
  parsed.name = rest.substr(1);
  return parsed;
}

struct AutheliaPair {
  SectionFiles files;
  std::string name;
};

std::map<int, AutheliaPair> PairAutheliaFiles(const std::filesystem::path& directory) {
  std::map<int, AutheliaPair> pairs;
  for (const auto& entry : ListDirectory(directory)) {
    if (std::filesystem::is_directory(entry)) continue;
    const auto name = ParseAutheliaName(entry.filename().string());
    if (!name) {
      throw Error(ErrorKind::kHistory, fmt::format("'{}' is not named as a migration", entry.string()))
          .WithHint("each file is named V0001.Some_Name.up.sql, with four digits and one of 'up' and 'down'");
    }
    AutheliaPair& pair = pairs[name->version];
    ClaimPlace(name->up ? pair.files.up : pair.files.down, entry, std::to_string(name->version),
               "the program knows a migration by its number alone");
    if (name->up) pair.name = name->name;
  }
  return pairs;
}

class AutheliaLedger : public Ledger {
 public:
  explicit AutheliaLedger(std::string table) : table_(std::move(table)) {}

  std::vector<std::string> Tables() const override { return {table_}; }

  std::vector<std::string> CreateSql() const override {
    return {
        fmt::format("CREATE TABLE IF NOT EXISTS {} (id serial CONSTRAINT migrations_pkey PRIMARY KEY, "
                    "applied timestamptz NOT NULL DEFAULT current_timestamp, version_before integer NULL "
                    "DEFAULT NULL, version_after integer NOT NULL, application_version varchar(128) NOT NULL)",
                    table_)};
  }

  std::vector<std::string> BeforeSql(const Step&, const History&) const override { return {}; }

  std::vector<std::string> AfterSql(const Step& step, const History& history) const override {
    if (step.direction == Direction::kDowngrade) return ForgetSql(*step.revision, history);
    return {Insert(Before(*step.revision, history), step.revision->ledger_key)};
  }

  std::vector<std::string> ForgetSql(const Revision& revision, const History& history) const override {
    const std::string before = Before(revision, history);
    if (before != "0") return {Insert(revision.ledger_key, before)};
    // The script has dropped the table, or it has not and must say that nothing is applied.
    return {
        fmt::format("DO $migproof$ BEGIN IF to_regclass('{0}') IS NOT NULL THEN DELETE FROM {0}; END IF; END "
                    "$migproof$",
                    table_)};
  }

  std::vector<LedgerEntry> Read(Session& session, const History& history) const override {
    const Rows rows =
        ReadTableIfThere(session, table_, fmt::format("SELECT version_after FROM {} ORDER BY id DESC LIMIT 1", table_));
    const bool nothing = rows.empty() || rows.Get(0, 0) == "0";
    return EntriesUpTo(nothing ? "" : rows.Get(0, 0), history);
  }

 private:
  static std::string Before(const Revision& revision, const History& history) {
    const Revision* before = RevisionBefore(revision, history);
    return before == nullptr ? "0" : before->ledger_key;
  }

  std::string Insert(const std::string& before, const std::string& after) const {
    return fmt::format(
        "INSERT INTO {} (applied, version_before, version_after, application_version) "
        "VALUES (clock_timestamp(), {}, {}, 'migproof')",
        table_, before, after);
  }

  std::string table_;
};

class AutheliaFormat : public Format {
 public:
  std::string_view Summary() const override { return "Authelia: V0001.Name.up.sql and V0001.Name.down.sql"; }

  bool SharesSession() const override { return true; }

  std::vector<Revision> Read(const std::filesystem::path& directory) const override {
    std::map<int, Revision> by_version;
    for (const auto& [version, pair] : PairAutheliaFiles(directory)) {
      Revision& revision = by_version[version] = ReadSectionFiles(pair.files, std::to_string(version));
      revision.id = fmt::format("V{:04}.{}", version, pair.name);
      revision.ledger_key = std::to_string(version);
      revision.title = pair.name;
      std::replace(revision.title.begin(), revision.title.end(), '_', ' ');
    }
    return InOneLine(std::move(by_version));
  }

  std::unique_ptr<Ledger> MakeLedger(const ToolSettings& settings) const override {
    return std::make_unique<AutheliaLedger>(TableName(settings, "public.migrations"));
  }

  Recognition Recognise(const std::filesystem::path& directory) const override {
    std::size_t files = 0;
    for (const std::string& name : NamesIn(directory)) files += ParseAutheliaName(name) ? 1 : 0;
    return RecogniseByNames(files, "V0001.Name.up.sql", true);
  }

  std::vector<NewFile> MakeRevision(const Revision& revision) const override {
    RefuseMerge(revision, "this layout");
    const std::string parent = revision.parents.empty() ? "V0000" : revision.parents.front();
    const std::string stem =
        fmt::format("V{}.{}", NextVersion(LeadingDigits(parent.substr(1))), TitleSlug(revision.title));
    return {{stem + ".up.sql", "-- what this migration does\n"}, {stem + ".down.sql", "-- what undoes it\n"}};
  }
};

const Registered<Format, AutheliaFormat> kAuthelia("authelia");

}  // namespace

}  // namespace migproof
