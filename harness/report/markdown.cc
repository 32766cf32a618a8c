#include "harness/report/markdown.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <vector>

#include "harness/report/finding_text.h"
#include "harness/report/printable.h"
#include "harness/report/waivers.h"

namespace migproof {

namespace {

constexpr std::size_t kMostBytes = 900'000;
constexpr std::size_t kMostLines = 40;
constexpr std::size_t kMostTableRows = 10;

// As code within a line; a fence longer than any run of backticks inside.
std::string Code(std::string_view text) {
  const std::string line = PrintableLine(text);
  std::size_t longest = 0;
  std::size_t run = 0;
  for (const char c : line) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(longest + 1, '`');
  const bool padded = line.empty() || line.front() == '`' || line.back() == '`';
  return padded ? fmt::format("{0} {1} {0}", fence, line) : fmt::format("{0}{1}{0}", fence, line);
}

// A pipe ends a cell, even inside of code.
std::string TableCell(const std::string& markdown) {
  std::string escaped;
  for (const char c : markdown) escaped += c == '|' ? "\\|" : std::string(1, c);
  return escaped;
}

std::string Block(const std::string& language, const std::string& text) {
  std::string fence = "```";
  while (text.find(fence) != std::string::npos) fence += "`";
  const char* end = text.ends_with('\n') ? "" : "\n";
  return fmt::format("{0}{1}\n{2}{3}{0}\n\n", fence, language, text, end);
}

class MarkdownWriter {
 public:
  explicit MarkdownWriter(const Report& report) : report_(report) {}

  std::string Text() {
    Head();
    report_.servers.empty() ? LawTable() : LawTableByServer();
    Findings();
    Unchecked();
    Notes();
    return std::move(text_);
  }

 private:
  void Head() {
    const int status = report_.ExitStatus();
    const char* mark = status == 0 ? "✅" : status == 1 ? "❌" : "⚠️";
    text_ += fmt::format("## {} migproof: {}\n\n", mark, SummaryText(report_));
    text_ += fmt::format("{} revision{} in {} ({}) on {}\n\n", report_.revisions, report_.revisions == 1 ? "" : "s",
                         Code(report_.directory), MarkdownEscaped(report_.format), MarkdownEscaped(report_.server));
  }

  void LawTable() {
    std::vector<std::string> laws;
    std::map<std::string, std::map<Outcome, int>> counts;
    std::map<std::string, int> waived;
    for (const Verdict& verdict : report_.verdicts) {
      if (laws.empty() || laws.back() != verdict.law) laws.push_back(verdict.law);
      verdict.waiver.empty() ? ++counts[verdict.law][verdict.outcome] : ++waived[verdict.law];
    }
    if (laws.empty()) return;
    text_ += "| | law | verdicts |\n|---|---|---|\n";
    for (const std::string& law : laws) {
      std::vector<std::string> parts;
      for (const auto& [outcome, count] : counts[law]) {
        parts.push_back(fmt::format("{} {}", count, ReadableName(outcome)));
      }
      if (waived[law] > 0) parts.push_back(fmt::format("{} waived", waived[law]));
      text_ += fmt::format("| {} | {} | {} |\n", Mark(counts[law]), TableCell(Code(law)), fmt::join(parts, ", "));
    }
    text_ += "\n";
  }

  // A column for each server, and one for what is about all of them.
  void LawTableByServer() {
    std::vector<std::string> columns;
    for (const ReportedServer& server : report_.servers) {
      columns.push_back(server.name);
      text_ += fmt::format("- {}\n", MarkdownEscaped(server.description));
    }
    columns.emplace_back("");
    std::vector<std::string> laws;
    std::map<std::pair<std::string, std::string>, std::map<Outcome, int>> counts;
    for (const Verdict& verdict : report_.verdicts) {
      if (std::find(laws.begin(), laws.end(), verdict.law) == laws.end()) laws.push_back(verdict.law);
      if (verdict.waiver.empty()) ++counts[{verdict.law, verdict.server}][verdict.outcome];
    }
    text_ += "\n| law |";
    for (const std::string& column : columns) {
      text_ += fmt::format(" {} |", column.empty() ? "all" : TableCell(MarkdownEscaped(column)));
    }
    text_ += "\n|---|";
    for (std::size_t i = 0; i < columns.size(); ++i) text_ += "---|";
    for (const std::string& law : laws) {
      text_ += fmt::format("\n| {} |", TableCell(Code(law)));
      for (const std::string& column : columns) {
        const auto found = counts.find({law, column});
        text_ += found == counts.end() ? " |" : fmt::format(" {} |", Mark(found->second));
      }
    }
    text_ += "\n\n";
  }

  static std::string Mark(const std::map<Outcome, int>& counts) {
    if (counts.contains(Outcome::kFalsified)) return "❌";
    const bool unchecked =
        counts.contains(Outcome::kGaveUp) || counts.contains(Outcome::kSkipped) || counts.contains(Outcome::kError);
    return unchecked ? "⚠️" : counts.contains(Outcome::kHeld) ? "✅" : "➖";
  }

  void Findings() {
    int left_out = 0;
    for (const ToldFinding& told : FindingsToTell(report_)) {
      const std::string finding = FindingSection(told);
      if (text_.size() + finding.size() > kMostBytes) {
        ++left_out;
      } else {
        text_ += finding;
      }
    }
    if (left_out > 0) text_ += fmt::format("… and {} findings more: see the full report.\n\n", left_out);
  }

  std::string FindingSection(const ToldFinding& told) const {
    const Verdict& verdict = *told.verdict;
    const Finding& finding = *verdict.finding;
    std::string text = fmt::format("### {} · {}", Code(verdict.law),
                                   verdict.revision.empty() ? "the history" : Code(verdict.revision));
    if (!told.servers.empty()) text += MarkdownEscaped(fmt::format(" on {}", fmt::join(told.servers, ", ")));
    text += "\n\n";
    if (!finding.location.empty()) text += fmt::format("{} — ", Code(finding.location.ToString()));
    text += fmt::format("**{}**\n\n", MarkdownEscaped(finding.message));
    if (!finding.drift.empty()) text += Block("diff", Lines(finding.drift));
    if (!finding.evidence.empty()) text += Block("", Lines(finding.evidence));
    if (finding.counterexample) text += Rows(*finding.counterexample);
    if (!finding.hint.empty()) text += fmt::format("💡 {}\n\n", MarkdownEscaped(finding.hint));
    const std::string commands = Lines({AgainCommand(verdict), AcceptCommand(verdict)});
    text += "<details><summary>See it again, or accept it</summary>\n\n" + Block("sh", commands);
    return text + "</details>\n\n";
  }

  static std::string Lines(const std::vector<std::string>& lines) {
    std::string text;
    for (std::size_t i = 0; i < std::min(lines.size(), kMostLines); ++i) {
      for (const char c : Printable(lines[i])) text += c == '\n' ? "\n    " : std::string(1, c);
      if (!lines[i].empty()) text += "\n";
    }
    if (lines.size() > kMostLines) text += fmt::format("... and {} more\n", lines.size() - kMostLines);
    return text;
  }

  static std::string Rows(const Counterexample& counterexample) {
    std::string text;
    for (const auto& shown : counterexample.shown) {
      text += fmt::format("{}, {}", Code(shown.table), MarkdownEscaped(shown.when));
      if (shown.rows.rows.empty()) {
        text += ": no rows\n\n";
        continue;
      }
      text += ":\n\n|";
      for (const std::string& column : shown.rows.columns) text += fmt::format(" {} |", TableCell(Code(column)));
      text += "\n|";
      for (std::size_t i = 0; i < shown.rows.columns.size(); ++i) text += "---|";
      text += "\n";
      for (std::size_t i = 0; i < std::min(shown.rows.rows.size(), kMostTableRows); ++i) {
        text += "|";
        for (const auto& cell : shown.rows.rows[i]) text += fmt::format(" {} |", TableCell(Code(CellText(cell))));
        text += "\n";
      }
      text += "\n";
      if (shown.rows.rows.size() > kMostTableRows) {
        text += fmt::format("… and {} more rows\n\n", shown.rows.rows.size() - kMostTableRows);
      }
    }
    return text;
  }

  void Unchecked() {
    std::map<std::string, std::vector<const Verdict*>> by_reason;
    for (const Verdict& verdict : report_.verdicts) {
      const bool told = verdict.outcome == Outcome::kGaveUp || verdict.outcome == Outcome::kSkipped ||
                        verdict.outcome == Outcome::kError;
      if (told) by_reason[fmt::format("{}: {}", ReadableName(verdict.outcome), verdict.reason)].push_back(&verdict);
    }
    if (by_reason.empty()) return;
    text_ += "### Not checked\n\n";
    for (const auto& [reason, verdicts] : by_reason) {
      text_ += fmt::format("- {} — {} · {}{}\n", MarkdownEscaped(reason), Code(verdicts.front()->law),
                           Code(UnitName(*verdicts.front())),
                           verdicts.size() > 1 ? fmt::format(" and {} more", verdicts.size() - 1) : "");
    }
    text_ += "\n";
  }

  void Notes() {
    std::vector<std::string> notes;
    for (const Verdict& verdict : report_.verdicts) {
      if (!verdict.waiver.empty())
        notes.push_back(fmt::format("{} is waived: {}", FindingName(verdict), verdict.waiver));
    }
    notes.insert(notes.end(), report_.notes.begin(), report_.notes.end());
    if (notes.empty()) return;
    text_ += "### Notes\n\n";
    for (const std::string& note : notes) text_ += fmt::format("- {}\n", MarkdownEscaped(note));
    text_ += "\n";
  }

  const Report& report_;
  std::string text_;
};

}  // namespace

std::string MarkdownReport(const Report& report) { return MarkdownWriter(report).Text(); }

std::string MarkdownEscaped(std::string_view text) {
  std::string escaped;
  for (const char c : PrintableLine(text)) {
    if (c == '<') {
      escaped += "&lt;";
    } else if (c == '>') {
      escaped += "&gt;";
    } else if (c == '&') {
      escaped += "&amp;";
    } else if (c == '@') {
      escaped += "&#64;";  // mentions nobody
    } else if (std::string_view("\\`*_{}[]#|~").find(c) != std::string_view::npos) {
      escaped += fmt::format("\\{}", c);
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace migproof
