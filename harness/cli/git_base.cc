#include "harness/cli/git_base.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <set>

#include "harness/cli/git.h"
#include "harness/postgres/run_directory.h"
#include "harness/report/printable.h"

namespace migproof {

namespace {

constexpr const char* kUnchanged = "applied_unchanged";
constexpr const char* kMerged = "merged_history";
constexpr const char* kNewAfterOld = "new_after_old";

// What a state of the directory holds; null where it holds no revision.
std::optional<History> HistoryIn(const Config& config, const std::filesystem::path& directory) {
  Config there = config;
  there.path = directory;
  there.declarations.clear();  // they may name revisions that are not there yet
  std::vector<Revision> revisions = ReadRevisions(there);
  if (revisions.empty()) return std::nullopt;
  return History(std::move(revisions));
}

std::vector<std::string> StatementsOf(const Section& section) {
  std::vector<std::string> statements;
  for (const Statement& statement : section.script.statements()) {
    statements.emplace_back(section.script.Text(statement));
  }
  return statements;
}

// Code that a tool runs can't be cut into statements: its lines, comments and empty ones left out, stand for them.
std::vector<std::string> CodeLines(const std::string& file) {
  std::vector<std::string> lines;
  const std::string text = ReadTextFile(file);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first != std::string::npos && line[first] != '#') lines.push_back(line);
    at = end + 1;
  }
  return lines;
}

// What an upgrade does: another text of it is another migration.
std::vector<std::string> Substance(const Revision& revision) {
  if (revision.upgrade.execution == Execution::kTool) return CodeLines(revision.where.file);
  return StatementsOf(revision.upgrade);
}

bool SameText(const Revision& a, const Revision& b) {
  if (a.upgrade.execution == Execution::kTool) return ReadTextFile(a.where.file) == ReadTextFile(b.where.file);
  const auto down = [](const Revision& revision) {
    return revision.downgrade ? std::optional(revision.downgrade->script.text()) : std::nullopt;
  };
  return a.upgrade.script.text() == b.upgrade.script.text() && down(a) == down(b);
}

std::vector<std::string> ChangedLines(const std::vector<std::string>& was, const std::vector<std::string>& is) {
  std::vector<std::string> lines;
  const auto only_in = [&](const auto& here, const auto& there, const char* sign) {
    for (const std::string& line : here) {
      if (std::find(there.begin(), there.end(), line) == there.end()) lines.push_back(sign + line);
    }
  };
  only_in(was, is, "- ");
  only_in(is, was, "+ ");
  return lines;
}

std::vector<std::string> HeadIds(const std::optional<History>& history) {
  std::vector<std::string> ids;
  if (!history) return ids;
  for (const Revision* head : history->Heads()) ids.push_back(head->id);
  return ids;
}

class GitComparison {
 public:
  GitComparison(const Config& config, std::string ref, const History& history, const std::string& command_line)
      : config_(config), ref_(std::move(ref)), history_(history), git_(config.path) {
    reproduction_ = fmt::format("{} --git-base {}", command_line, ShellWord(ref_));
  }

  GitChange Make() {
    const std::string tip = git_.Commit(ref_);
    const std::string base = git_.MergeBase(tip);
    base_ = Read(base, "base");
    tip_ = tip == base ? base_ : Read(tip, "tip");
    change_.sentences = {{kUnchanged, "no revision that the base has is removed, nor is its upgrade edited"},
                         {kMerged, "merged with the base, the history can be read and has no more heads than before"},
                         {kNewAfterOld, "merged with the base, no new revision comes before one that the base has"}};
    CompareRevisions();
    const std::optional<History> merged = tip == base ? std::optional<History>() : Merged(base);
    if (!unreadable_) CompareMerged(tip == base ? history_ : *merged);
    Describe(base);
    return std::move(change_);
  }

 private:
  std::optional<History> Read(const std::string& commit, const std::string& name) const {
    git_.Export(commit, scratch_ / name);
    try {
      return HistoryIn(config_, scratch_ / name);
    } catch (Error& error) {
      error.AddContext(
          fmt::format("while reading '{}' as commit {} has it", config_.path.string(), commit.substr(0, 12)));
      throw;
    }
  }

  // A path in the scratch directory, as the user knows it.
  std::string Known(const std::string& file) const {
    for (const char* state : {"base", "tip", "merged"}) {
      const std::string prefix = (scratch_ / state).string() + "/";
      if (file.starts_with(prefix)) return (config_.path / file.substr(prefix.size())).string();
    }
    return file;
  }

  void Held(const char* law, const std::string& what, std::size_t count) {
    Verdict verdict{.law = law, .revision = "", .outcome = Outcome::kHeld};
    verdict.exercised = {{what, static_cast<std::int64_t>(count)}};
    change_.verdicts.push_back(std::move(verdict));
  }

  void Falsified(const char* law, const std::string& revision, Finding finding) {
    Verdict verdict{.law = law, .revision = revision, .outcome = Outcome::kFalsified};
    finding.location.file = Known(finding.location.file);
    verdict.finding = std::move(finding);
    verdict.reproduction = reproduction_;
    change_.verdicts.push_back(std::move(verdict));
  }

  void CompareRevisions() {
    std::set<std::string> changed;
    std::size_t broken = 0;
    for (const Revision* was : base_ ? base_->Linear() : std::vector<const Revision*>()) {
      const Revision* is = history_.Find(was->id);
      if (is == nullptr) {
        ++broken;
        Falsified(kUnchanged, was->id,
                  {.message = fmt::format("'{}' is in {} and was removed here: databases that have it do not lose it",
                                          was->id, ref_),
                   .location = was->where,
                   .hint = "undo it in a new revision"});
        continue;
      }
      if (SameText(*was, *is) && was->parents == is->parents) continue;
      if (!SameText(*was, *is)) changed.insert(was->id);
      broken += CompareTexts(*was, *is);
    }
    const std::size_t applied = base_ ? base_->size() : 0;
    if (broken == 0 && applied > 0) Held(kUnchanged, "revisions of the base compared", applied);
    for (const Revision* revision : history_.Linear()) {
      const bool is_new = !base_ || base_->Find(revision->id) == nullptr;
      if (is_new) fresh_.push_back(revision->id);
      if (is_new || changed.contains(revision->id)) change_.revisions.push_back(revision->id);
    }
  }

  // 1 where the difference is one that databases which have the revision never see.
  std::size_t CompareTexts(const Revision& was, const Revision& is) {
    std::vector<std::string> lines;
    const std::vector<std::string> before = Substance(was);
    const std::vector<std::string> after = Substance(is);
    if (before != after) lines = ChangedLines(before, after);
    // The formats that number their files derive the parents; elsewhere they are written, and so belong to the text.
    const bool written = ReadTextFile(was.where.file) != ReadTextFile(is.where.file);
    if (written && was.parents != is.parents) {
      lines.push_back(
          fmt::format("~ its parents were {}, are {}", fmt::join(was.parents, ", "), fmt::join(is.parents, ", ")));
    }
    if (before == after && lines.empty()) {
      if (!SameText(was, is)) {
        change_.notes.push_back(
            fmt::format("'{}' is in {} and was edited here, but not what its upgrade does: a tool that keeps checksums "
                        "may refuse it",
                        is.id, ref_));
      }
      return 0;
    }
    if (lines.empty()) lines.emplace_back("~ its statements come in another order");
    Falsified(kUnchanged, is.id,
              {.message = fmt::format(
                   "'{}' is in {} and was edited here: databases that have it never run the new text", is.id, ref_),
               .location = is.upgrade.script.file().empty()
                               ? is.where
                               : SourceLocation{is.upgrade.script.file(), is.upgrade.script.first_line()},
               .drift = std::move(lines),
               .hint = "put it back, and make the change in a new revision"});
    return 1;
  }

  // The branch as it is now, with what changed here since the base laid over it; conflicts within a file are git's.
  std::optional<History> Merged(const std::string& base) {
    const std::filesystem::path merged = scratch_ / "merged";
    std::filesystem::copy(scratch_ / "tip", merged, std::filesystem::copy_options::recursive);
    for (const std::filesystem::path& file : git_.ChangedSince(base)) {
      const std::filesystem::path here = config_.path / file;
      if (!std::filesystem::is_regular_file(here)) {
        std::filesystem::remove(merged / file);
        continue;
      }
      std::filesystem::create_directories((merged / file).parent_path());
      std::filesystem::copy_file(here, merged / file, std::filesystem::copy_options::overwrite_existing);
    }
    try {
      std::optional<History> history = HistoryIn(config_, merged);
      if (history) return history;
      throw Error(ErrorKind::kHistory, "it holds no revision");
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kHistory) throw;
      unreadable_ = true;
      std::string message = error.message();
      for (std::size_t at; (at = message.find(merged.string())) != std::string::npos;) {
        message.replace(at, merged.string().size(), config_.path.string());
      }
      Falsified(kMerged, "",
                {.message = fmt::format("merged with {}, the history can't be read: {}", ref_, message),
                 .location = error.where(),
                 .hint = error.hint()});
      return std::nullopt;
    }
  }

  void CompareMerged(const History& merged) {
    const std::vector<std::string> before = HeadIds(tip_);
    std::vector<const Revision*> heads = merged.Heads();
    if (heads.size() > std::max<std::size_t>(1, before.size())) {
      std::vector<std::string> ids;
      const Revision* first_new = heads.front();
      for (const Revision* head : heads) {
        ids.push_back(head->id);
        if (std::find(fresh_.begin(), fresh_.end(), head->id) != fresh_.end()) first_new = head;
      }
      Falsified(kMerged, "",
                {.message = fmt::format("merged with {}, the history has {} heads: {}", ref_, heads.size(),
                                        fmt::join(ids, ", ")),
                 .location = first_new->where,
                 .hint = fmt::format("put '{}' behind the other head, or join them: migproof merge -m TITLE",
                                     first_new->id)});
    } else {
      Held(kMerged, "heads", heads.size());
    }
    CompareOrder(merged);
  }

  void CompareOrder(const History& merged) {
    if (!tip_ || fresh_.empty()) return;
    std::size_t broken = 0;
    for (const std::string& id : fresh_) {
      const Revision* revision = merged.Find(id);
      if (revision == nullptr || tip_->Find(id) != nullptr) continue;
      for (const Revision* later : merged.Descendants(*revision)) {
        if (tip_->Find(later->id) == nullptr) continue;
        ++broken;
        Falsified(kNewAfterOld, id,
                  {.message = fmt::format("'{}' is new and comes before '{}', which {} has: databases that are past it "
                                          "leave it out, or refuse it",
                                          id, later->id, ref_),
                   .location = revision->where,
                   .hint = fmt::format("give it a number behind '{}'", tip_->Linear().back()->id)});
        break;
      }
    }
    if (broken == 0) Held(kNewAfterOld, "new revisions", fresh_.size());
  }

  void Describe(const std::string& base) {
    std::stable_sort(change_.verdicts.begin(), change_.verdicts.end(),
                     [](const Verdict& a, const Verdict& b) { return a.law < b.law; });
    const std::string since = fmt::format("{} (merge base {})", ref_, base.substr(0, 12));
    change_.notes.insert(change_.notes.begin(), fresh_.empty()
                                                    ? fmt::format("no revision is new since {}", since)
                                                    : fmt::format("{} of {} revisions new since {}: {}", fresh_.size(),
                                                                  history_.size(), since, fmt::join(fresh_, ", ")));
  }

  const Config& config_;
  std::string ref_;
  const History& history_;
  GitDirectory git_;
  // For the states of the directory that are not in the work tree.
  RunDirectory directory_{RunDirectory::ChooseBase(""), ServerUser{"", getuid(), getgid(), false}};
  std::filesystem::path scratch_ = directory_.path();
  std::string reproduction_;
  std::optional<History> base_;  // at the merge base; none where it has no revision
  std::optional<History> tip_;   // the branch as it is now
  std::vector<std::string> fresh_;
  bool unreadable_ = false;
  GitChange change_;
};

}  // namespace

GitChange CompareWithGitBase(const Config& config, const std::string& ref, const History& history,
                             const std::string& command_line) {
  return GitComparison(config, ref, history, command_line).Make();
}

}  // namespace migproof
