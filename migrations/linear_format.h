// What the formats share that keep one line of revisions, each known to the tool by a key.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "migrations/format.h"

namespace migproof {

class Rows;

// The revisions in the order of their keys, each the parent of the next.
template <typename Key, typename Less>
std::vector<Revision> InOneLine(std::map<Key, Revision, Less> by_key) {
  std::vector<Revision> revisions;
  for (auto& [key, revision] : by_key) {
    if (!revisions.empty()) revision.parents = {revisions.back().id};
    revisions.push_back(std::move(revision));
  }
  return revisions;
}

// A ledger's rows, whose first column is the key: the revision's id, or the key where the history has no such revision.
std::vector<LedgerEntry> EntriesByKey(const Rows& rows, const History& history);

// For a tool whose ledger holds nothing but the newest revision ("" for none): it and all before it, or the key itself
// where the history has no such revision.
std::vector<LedgerEntry> EntriesUpTo(std::string_view key, const History& history);

// The revision just before `revision`, or null.
const Revision* RevisionBefore(const Revision& revision, const History& history);

// The ledger's table: what the project says ("table" in "tool") or else `otherwise`, with its namespace.
std::string TableName(const ToolSettings& settings, const std::string& otherwise);

// A section that is a file of its own.
Section ReadSectionFile(const std::filesystem::path& path, Execution execution, std::vector<Declaration>& declarations);

// A revision that is a file for each way; "" for one that isn't there.
struct SectionFiles {
  std::filesystem::path up;
  std::filesystem::path down;
};

// A revision of these two, with everything but its id, key and title. Error(history) where there
// is a way down and none up; `version` is what the message calls it.
Revision ReadSectionFiles(const SectionFiles& files, std::string_view version,
                          Execution execution = Execution::kTransaction);

// Puts `entry` into `place`. Error(history) where another file of this version and way is there already.
void ClaimPlace(std::filesystem::path& place, const std::filesystem::path& entry, std::string_view version,
                const std::string& hint);

// Error(history) where there is a way down and none up.
void RefuseDownAlone(const SectionFiles& files, std::string_view version);

// "00010_add_groups" reads "add groups".
std::string TitleOfName(std::string_view name);

// Error(usage) for a revision of several parents.
void RefuseMerge(const Revision& revision, std::string_view tool);

}  // namespace migproof
