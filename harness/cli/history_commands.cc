// The commands that look at the files alone: heads, history, show, check-history.
#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "harness/cli/revision_text.h"
#include "harness/cli/runner_commands.h"

namespace migproof {

namespace {

using RevisionPath = std::vector<const Revision*>;

std::string Marks(const History& history, const Revision& revision) {
  std::string marks;
  const auto add = [&](const std::string& mark) { marks += (marks.empty() ? "" : ", ") + mark; };
  if (revision.parents.empty()) add("base");
  if (history.Children(revision).empty()) add("head");
  if (revision.parents.size() > 1) add("merge");
  for (const std::string& label : revision.labels) add(label);
  return marks.empty() ? "" : fmt::format("  ({})", marks);
}

// One parent and one child each: then the order of the lines says it all.
bool IsChain(const History& history) {
  return history.Bases().size() == 1 && history.Heads().size() == 1 &&
         std::all_of(history.revisions().begin(), history.revisions().end(),
                     [](const Revision& revision) { return revision.parents.size() <= 1; });
}

std::string ExecutionText(const Section& section) {
  switch (section.execution) {
    case Execution::kTransaction: return "in one transaction";
    case Execution::kStatements: return "statement by statement, without a transaction";
    case Execution::kOneQuery: return "as one query";
    case Execution::kTool: return "by the tool itself";
  }
  return "";
}

std::string ShownSection(const Section& section) {
  const auto count = std::count_if(section.script.statements().begin(), section.script.statements().end(),
                                   [](const Statement& s) { return s.kind == StatementKind::kSql; });
  if (section.execution == Execution::kTool) return fmt::format("code, run {}", ExecutionText(section));
  return fmt::format("{}, {}", CountOf(static_cast<std::size_t>(count), "statement"), ExecutionText(section));
}

// What only running would tell is not taken for nothing.
bool IsEmpty(const Section& section) { return section.execution != Execution::kTool && section.script.empty(); }

void ShowRevision(const History& history, const Revision& revision, std::ostream& out) {
  const auto line = [&](std::string_view label, const std::string& text) {
    if (!text.empty()) out << fmt::format("{:<12}{}\n", label, text);
  };
  line("revision", revision.id + Marks(history, revision));
  line("title", revision.title);
  line("file", revision.where.file);
  line("parents", fmt::format("{}", fmt::join(revision.parents, ", ")));
  line("depends on", fmt::format("{}", fmt::join(revision.depends_on, ", ")));
  line("children", JoinIds(history.Children(revision)));
  line("upgrade", ShownSection(revision.upgrade));
  line("downgrade", revision.downgrade ? ShownSection(*revision.downgrade) : "none");
  line("checksum", revision.Checksum());
  for (const Declaration& declaration : revision.declarations) {
    line("declares",
         fmt::format("{}{}{}{}", declaration.kind, declaration.object.empty() ? "" : " ", declaration.object,
                     declaration.reason.empty() ? "" : fmt::format(" \"{}\"", declaration.reason)));
  }
}

}  // namespace

void HeadsCommand(const Config& config, std::ostream& out) {
  const History history = LoadHistory(config);
  for (const Revision* revision : history.Heads()) {
    out << fmt::format("{}  {}{}\n", revision->id, ShortTitle(*revision), Marks(history, *revision));
  }
}

void HistoryCommand(const Config& config, std::string_view range, std::ostream& out) {
  const History history = LoadHistory(config);
  RevisionPath path = range.empty() ? history.Linear() : history.Range(range);
  std::reverse(path.begin(), path.end());
  const bool chain = IsChain(history);
  std::size_t width = 0;
  for (const Revision* revision : path) width = std::max(width, revision->id.size());
  for (const Revision* revision : path) {
    const std::string parents =
        chain || revision->parents.empty() ? "" : fmt::format("  <- {}", fmt::join(revision->parents, ", "));
    out << fmt::format("{:<{}}  {}{}{}\n", revision->id, width, ShortTitle(*revision), Marks(history, *revision),
                       parents);
  }
}

void ShowCommand(const Config& config, std::string_view target, std::ostream& out) {
  const History history = LoadHistory(config);
  bool first = true;
  for (const Revision* revision : history.Resolve(target)) {
    if (!first) out << '\n';
    first = false;
    ShowRevision(history, *revision, out);
  }
  if (first) out << "base: the database before the first revision\n";
}

void CheckHistoryCommand(const Config& config, std::ostream& out) {
  const History history = LoadHistory(config);
  const auto count = [&](auto&& wanted) {
    return static_cast<std::size_t>(std::count_if(history.revisions().begin(), history.revisions().end(), wanted));
  };
  out << fmt::format("{} in {}: {}, {}, {}\n", CountOf(history.size(), "revision"), config.path.string(),
                     CountOf(history.Bases().size(), "base"), CountOf(history.Heads().size(), "head"),
                     history.IsLinear() ? "one order" : "several orders");
  if (const RevisionPath heads = history.Heads(); heads.size() > 1) out << fmt::format("heads: {}\n", JoinIds(heads));
  const auto line = [&](std::size_t number, std::string_view what) {
    if (number > 0) out << fmt::format("{:>6} {}\n", number, what);
  };
  line(count([](const Revision& r) { return r.parents.size() > 1; }), "with several parents (merges)");
  line(count([](const Revision& r) { return !r.downgrade; }), "without a downgrade");
  line(count([](const Revision& r) { return r.downgrade && IsEmpty(*r.downgrade); }),
       "with a downgrade that does nothing");
  line(count([](const Revision& r) { return IsEmpty(r.upgrade); }), "with an upgrade that does nothing");
  line(count([](const Revision& r) { return r.upgrade.execution == Execution::kStatements; }),
       "that run without a transaction");
  line(count([](const Revision& r) { return !r.declarations.empty(); }), "with declarations");
}

}  // namespace migproof
