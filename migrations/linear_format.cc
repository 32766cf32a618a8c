#include "migrations/linear_format.h"

#include <fmt/format.h>

#include <algorithm>

#include "migrations/annotated_text.h"
#include "migrations/session.h"

namespace migproof {

namespace {

bool IsPlainName(std::string_view name) {
  return !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos &&
         (name.front() < '0' || name.front() > '9');
}

}  // namespace

std::vector<LedgerEntry> EntriesByKey(const Rows& rows, const History& history) {
  std::map<std::string_view, const Revision*> by_key;
  for (const Revision& revision : history.revisions()) by_key.emplace(revision.ledger_key, &revision);
  std::vector<LedgerEntry> entries;
  for (int i = 0; i < rows.size(); ++i) {
    const auto known = by_key.find(rows.Get(i, 0));
    entries.push_back({known == by_key.end() ? std::string(rows.Get(i, 0)) : known->second->id, "", false});
  }
  return entries;
}

std::vector<LedgerEntry> EntriesUpTo(std::string_view key, const History& history) {
  std::vector<LedgerEntry> entries;
  if (key.empty()) return entries;
  for (const Revision* revision : history.Linear()) {
    entries.push_back({revision->id, "", false});
    if (revision->ledger_key == key) return entries;
  }
  return {{std::string(key), "", false}};
}

const Revision* RevisionBefore(const Revision& revision, const History& history) {
  return revision.parents.empty() ? nullptr : history.Find(revision.parents.front());
}

std::string TableName(const ToolSettings& settings, const std::string& otherwise) {
  const auto given = settings.values.find("table");
  if (given == settings.values.end()) return otherwise;
  const std::string name = given->second.find('.') == std::string::npos ? "public." + given->second : given->second;
  const std::size_t point = name.find('.');
  if (IsPlainName(name.substr(0, point)) && IsPlainName(name.substr(point + 1))) return name;
  throw Error(ErrorKind::kUsage, fmt::format("'{}' is no name of a table", given->second))
      .WithHint("\"table\" takes NAME or NAMESPACE.NAME in small letters, digits and '_'");
}

Section ReadSectionFile(const std::filesystem::path& path, Execution execution,
                        std::vector<Declaration>& declarations) {
  Section section{Script::Parse(ReadTextFile(path), {path.string(), 1}), execution};
  AddDeclarations(section.script, declarations);
  return section;
}

void RefuseDownAlone(const SectionFiles& files, std::string_view version) {
  if (!files.up.empty()) return;
  throw Error(ErrorKind::kHistory, fmt::format("version {} has a down file and no up file", version))
      .WithLocation({files.down.string(), 0});
}

void ClaimPlace(std::filesystem::path& place, const std::filesystem::path& entry, std::string_view version,
                const std::string& hint) {
  if (!place.empty()) {
    throw Error(ErrorKind::kHistory,
                fmt::format("version {} is there twice: '{}' and '{}'", version, place.string(), entry.string()))
        .WithHint(hint);
  }
  place = entry;
}

Revision ReadSectionFiles(const SectionFiles& files, std::string_view version, Execution execution) {
  RefuseDownAlone(files, version);
  Revision revision;
  revision.where = {files.up.string(), 1};
  revision.upgrade = ReadSectionFile(files.up, execution, revision.declarations);
  if (!files.down.empty()) revision.downgrade = ReadSectionFile(files.down, execution, revision.declarations);
  return revision;
}

std::string TitleOfName(std::string_view name) {
  std::string_view rest = name.substr(LeadingDigits(name).size());
  const std::size_t begin = rest.find_first_not_of("_-. ");
  std::string title(begin == std::string_view::npos ? name : rest.substr(begin));
  std::replace(title.begin(), title.end(), '_', ' ');
  return title;
}

void RefuseMerge(const Revision& revision, std::string_view tool) {
  if (revision.parents.size() < 2) return;
  throw Error(ErrorKind::kUsage, fmt::format("{} keeps one line of versions: there is nothing to merge", tool));
}

}  // namespace migproof
