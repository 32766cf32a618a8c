// The commands that write files: init, revision, merge.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <ostream>
#include <random>

#include "harness/cli/revision_text.h"
#include "harness/cli/runner_commands.h"
#include "migrations/format.h"

namespace migproof {

namespace {

Error CannotWrite(const std::filesystem::path& path, std::string_view why) {
  return Error(ErrorKind::kUsage, fmt::format("can't write '{}': {}", path.string(), why));
}

// Never replaces a file.
void WriteNewFile(const std::filesystem::path& path, std::string_view text) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0) throw CannotWrite(path, errno == EEXIST ? "it is there already" : std::strerror(errno));
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int failure = errno;
      close(file);
      throw CannotWrite(path, std::strerror(failure));
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  close(file);
}

void MakeDirectories(const std::filesystem::path& directory) {
  std::error_code failure;
  std::filesystem::create_directories(directory, failure);
  if (failure) throw CannotWrite(directory, failure.message());
}

// Files written so far, taken away again unless they are kept.
class NewFiles {
 public:
  explicit NewFiles(std::filesystem::path directory) : directory_(std::move(directory)) {}
  ~NewFiles() {
    if (kept_) return;
    std::error_code ignored;
    for (auto path = made_.rbegin(); path != made_.rend(); ++path) std::filesystem::remove(*path, ignored);
  }
  NewFiles(const NewFiles&) = delete;
  NewFiles& operator=(const NewFiles&) = delete;

  void Write(const Format::NewFile& file) {
    const std::filesystem::path path = directory_ / file.path;
    const std::filesystem::path parent = path.parent_path();
    if (!std::filesystem::exists(parent)) {
      MakeDirectories(parent);
      if (parent != directory_) made_.push_back(parent);
    }
    WriteNewFile(path, file.text);
    made_.push_back(path);
    written_.push_back(path);
  }
  void Keep() { kept_ = true; }
  const std::vector<std::filesystem::path>& written() const { return written_; }

 private:
  std::filesystem::path directory_;
  std::vector<std::filesystem::path> made_;
  std::vector<std::filesystem::path> written_;
  bool kept_ = false;
};

// Twelve hexadecimal digits: two authors on two branches never draw the same.
std::string DrawId() {
  std::random_device source;
  std::uniform_int_distribution<unsigned> byte(0, 255);
  std::string id;
  for (int i = 0; i < 6; ++i) id += fmt::format("{:02x}", byte(source));
  return id;
}

std::vector<std::string> IdsOf(const std::vector<const Revision*>& revisions) {
  std::vector<std::string> ids;
  for (const Revision* revision : revisions) ids.push_back(revision->id);
  return ids;
}

std::vector<std::string> ResolveAll(const History& history, const std::vector<std::string>& names) {
  std::vector<std::string> ids;
  for (const std::string& name : names) {
    for (const std::string& id : IdsOf(history.Resolve(name))) ids.push_back(id);
  }
  return ids;
}

std::vector<std::string> ParentsOf(const History& history, const std::vector<std::string>& wanted) {
  if (!wanted.empty()) return ResolveAll(history, wanted);
  const std::vector<const Revision*> heads = history.Heads();
  if (heads.size() == 1) return IdsOf(heads);
  throw Error(ErrorKind::kUsage, fmt::format("the history has {} heads: {}", heads.size(), JoinQuoted(heads)))
      .WithHint("say which one with --parent, or join them with 'migproof merge'");
}

void RefuseBadName(const std::string& name, std::string_view what) {
  if (name.find_first_of(" \t\r\n,:/\\\"'") == std::string::npos && (name.empty() || name.front() != '.')) return;
  throw Error(ErrorKind::kUsage, fmt::format("'{}' is no {}", name, what)).WithHint("letters, digits, '_' and '-'");
}

void WriteRevision(const Config& config, const Revision& revision, std::ostream& out) {
  const Format& format = Registry<Format>::Get(config.format);
  NewFiles files(config.path);
  for (const Format::NewFile& file : format.MakeRevision(revision)) files.Write(file);
  try {
    LoadHistory(config);
  } catch (Error& error) {
    error.AddContext("the history can't be read with the new file in it, so that was taken away again");
    throw;
  }
  files.Keep();
  for (const auto& path : files.written()) out << path.string() << '\n';
}

Revision Draft(const NewRevision& wanted) {
  Revision revision;
  revision.id = wanted.id.empty() ? DrawId() : wanted.id;
  revision.title = wanted.message;
  revision.labels = wanted.labels;
  RefuseBadName(revision.id, "revision id");
  for (const std::string& label : revision.labels) RefuseBadName(label, "label");
  if (revision.title.find_first_not_of(" \t") == std::string::npos) {
    throw Error(ErrorKind::kUsage, "a revision needs a title").WithHint("-m \"what it does\"");
  }
  if (revision.title.find_first_of("\r\n") != std::string::npos) {
    throw Error(ErrorKind::kUsage, "a title is one line");
  }
  return revision;
}

}  // namespace

void InitCommand(const std::filesystem::path& file, const std::string& format, const std::string& path,
                 std::ostream& out) {
  Registry<Format>::Get(format);  // refuses an unknown one before anything is written
  nlohmann::ordered_json document;
  document["format"] = format;
  document["path"] = path;
  document["database_url_env"] = Config().database_url_env;
  const std::string text = document.dump(2) + "\n";
  WriteNewFile(file, text);
  const Config config = LoadConfig(file);
  MakeDirectories(config.path);
  out << fmt::format("{}\n{}/\n", file.string(), config.path.string());
}

void NewRevisionCommand(const Config& config, const NewRevision& wanted, std::ostream& out) {
  Revision revision = Draft(wanted);
  std::vector<Revision> revisions = ReadRevisions(config);
  if (!revisions.empty()) {
    const History history(std::move(revisions));
    revision.parents = ParentsOf(history, wanted.parents);
    revision.depends_on = ResolveAll(history, wanted.depends_on);
  }
  WriteRevision(config, revision, out);
}

void MergeCommand(const Config& config, const NewRevision& wanted, std::ostream& out) {
  const History history = LoadHistory(config);
  NewRevision merge = wanted;
  merge.parents = wanted.parents.empty() ? IdsOf(history.Heads()) : ResolveAll(history, wanted.parents);
  if (merge.parents.size() < 2) {
    throw Error(ErrorKind::kUsage, fmt::format("nothing to merge: {} {}", CountOf(merge.parents.size(), "revision"),
                                               wanted.parents.empty() ? "is a head" : "was named"))
        .WithHint("a merge joins two or more revisions");
  }
  if (merge.message.empty()) merge.message = fmt::format("Merge {}", fmt::join(merge.parents, ", "));
  Revision revision = Draft(merge);
  revision.parents = merge.parents;
  revision.depends_on = ResolveAll(history, wanted.depends_on);
  WriteRevision(config, revision, out);
}

}  // namespace migproof
