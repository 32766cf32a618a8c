#include "migrations/recognise.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include "migrations/annotated_text.h"

namespace migproof {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHeadBytes = std::size_t{16} << 10;
constexpr std::size_t kProjectBytes = std::size_t{256} << 10;
constexpr int kProjectDepth = 5;

// The beginning of a regular file; "" for anything else.
std::string ReadHead(const fs::path& path, std::size_t bytes) {
  std::error_code failure;
  if (!fs::is_regular_file(path, failure) || failure) return "";
  std::string head(bytes, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(head.data(), static_cast<std::streamsize>(bytes));
  head.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  if (head.rfind("\xEF\xBB\xBF", 0) == 0) head.erase(0, 3);
  return head;
}

struct Candidate {
  std::string name;
  Recognition recognition;
};

std::vector<Candidate> CandidatesFor(const fs::path& directory) {
  std::vector<Candidate> all;
  std::vector<Candidate> certain;
  for (const std::string& name : Registry<Format>::Names()) {
    const Recognition found = Registry<Format>::Get(name).Recognise(directory);
    if (!found) continue;
    all.push_back({name, found});
    if (found.certain) certain.push_back({name, found});
  }
  return certain.empty() ? all : certain;
}

}  // namespace

std::optional<RecognisedFormat> RecogniseFormatIfAny(const fs::path& directory) {
  const std::vector<Candidate> candidates = CandidatesFor(directory);
  if (candidates.empty()) return std::nullopt;
  if (candidates.size() == 1) return RecognisedFormat{candidates.front().name, candidates.front().recognition.by};
  std::string list;
  for (const Candidate& candidate : candidates) {
    list += fmt::format("{}{} ({})", list.empty() ? "" : ", ", candidate.name, candidate.recognition.by);
  }
  throw Error(ErrorKind::kUsage,
              fmt::format("'{}' looks like {} formats: {}", directory.string(), candidates.size(), list))
      .WithHint(fmt::format("say which one: --format {}", candidates.front().name));
}

RecognisedFormat RecogniseFormat(const fs::path& directory) {
  if (const auto found = RecogniseFormatIfAny(directory)) return *found;
  const std::size_t entries = ListDirectory(directory).size();
  throw Error(ErrorKind::kUsage, fmt::format("'{}' looks like none of the formats ({} {} there)", directory.string(),
                                             entries, entries == 1 ? "entry" : "entries"))
      .WithHint(fmt::format("say which one: --format {}", fmt::join(Registry<Format>::Names(), ", ")));
}

std::vector<std::string> NamesIn(const fs::path& directory, bool directories) {
  std::vector<std::string> names;
  std::error_code failure;
  for (fs::directory_iterator entry(directory, failure), end; !failure && entry != end; entry.increment(failure)) {
    std::error_code unknown;
    const std::string name = entry->path().filename().string();
    const bool fits = directories ? entry->is_directory(unknown) : entry->is_regular_file(unknown);
    if (fits && name.front() != '.') names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Recognition RecogniseByLine(const fs::path& directory, std::string_view extension, std::string_view what,
                            const std::function<bool(std::string_view line)>& is_mark) {
  std::size_t files = 0;
  std::size_t looked_at = 0;
  for (const std::string& name : NamesIn(directory)) {
    if (!name.ends_with(extension)) continue;
    ++looked_at;
    const std::string head = ReadHead(directory / name, kHeadBytes);
    const std::vector<TextLine> lines = SplitLines(head);
    if (std::any_of(lines.begin(), lines.end(), [&](const TextLine& line) { return is_mark(line.text); })) ++files;
  }
  if (files == 0) return {};
  return {fmt::format("{} '{}'", files == 1 ? "1 file holds" : fmt::format("{} files hold", files), what),
          files * 100 >= looked_at};
}

Recognition RecogniseByNames(std::size_t files, std::string_view pattern, bool certain) {
  if (files == 0) return {};
  return {fmt::format("{} named {}", files == 1 ? "1 file is" : fmt::format("{} files are", files), pattern), certain};
}

std::vector<fs::path> FilesAbove(const fs::path& directory, std::string_view name) {
  std::vector<fs::path> files;
  std::error_code failure;
  fs::path place = fs::weakly_canonical(directory, failure);
  for (int i = 0; !failure && i < kProjectDepth && !place.empty(); ++i) {
    std::error_code unknown;
    if (fs::is_regular_file(place / name, unknown)) files.push_back(place / name);
    if (place == place.parent_path()) break;
    place = place.parent_path();
  }
  return files;
}

bool ProjectNames(const fs::path& directory, std::string_view file, std::string_view dependency) {
  const std::vector<fs::path> files = FilesAbove(directory, file);
  return std::any_of(files.begin(), files.end(), [&](const fs::path& path) {
    return ReadHead(path, kProjectBytes).find(dependency) != std::string::npos;
  });
}

}  // namespace migproof
