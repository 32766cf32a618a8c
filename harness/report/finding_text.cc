#include "harness/report/finding_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "harness/report/drift_sign.h"
#include "harness/report/printable.h"
#include "harness/report/waivers.h"

namespace migproof {

namespace {

class FindingWriter {
 public:
  FindingWriter(const Verdict& verdict, const FindingTextOptions& options)
      : verdict_(verdict), finding_(*verdict.finding), options_(options) {}

  std::string Text() {
    if (!finding_.location.empty()) Line(fmt::format("at {}", finding_.location.ToString()));
    Line(finding_.message);
    Lines(finding_.drift);
    Lines(finding_.evidence);
    if (finding_.counterexample) Rows(*finding_.counterexample);
    if (!finding_.hint.empty()) Line("hint: " + finding_.hint);
    if (!verdict_.reached_past.empty()) {
      Line(fmt::format("reached past what fails in: {}", fmt::join(verdict_.reached_past, ", ")));
    }
    const bool script = finding_.counterexample && !finding_.counterexample->script.empty();
    const std::string again = AgainCommand(verdict_);
    if (!again.empty()) Line(fmt::format("again:  {}{}", again, script ? "   (as a script for psql: --sql)" : ""));
    Line("accept: " + AcceptCommand(verdict_));
    return std::move(text_);
  }

 private:
  std::string Paint(const char* code, const std::string& text) const {
    return options_.color ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
  }

  void Line(const std::string& line) { Painted(nullptr, line); }

  // What has line feeds of its own stays within its indent: no line of a value begins where ours do.
  void Painted(const char* code, const std::string& line) {
    std::string whole = options_.indent;
    for (const char c : Printable(line)) whole += c == '\n' ? "\n" + options_.indent + "    " : std::string(1, c);
    text_ += (code == nullptr ? whole : Paint(code, whole)) + "\n";
  }

  void Lines(const std::vector<std::string>& lines) {
    for (std::size_t i = 0; i < std::min(lines.size(), options_.shown_lines); ++i) {
      const char sign = DriftSign(lines[i]);
      Painted(sign == '+' ? "32" : sign == '-' ? "31" : nullptr, "  " + lines[i]);
    }
    if (lines.size() > options_.shown_lines) {
      Line(fmt::format("  ... and {} more", lines.size() - options_.shown_lines));
    }
  }

  void Rows(const Counterexample& counterexample) {
    std::string when;
    for (const auto& shown : counterexample.shown) {
      if (shown.when != when) Line((when = shown.when) + ":");
      Table(shown.table, shown.rows);
    }
  }

  // A few rows as psql shows them, cells cut to a width that still tells them apart.
  void Table(const std::string& name, const TableRows& table) {
    constexpr std::size_t kShownRows = 8;
    if (table.rows.empty()) return Line(fmt::format("  {}: no rows", name));
    Line("  " + name);
    std::vector<std::vector<std::string>> lines(1);
    for (const std::string& column : table.columns) lines[0].push_back(PrintableLine(column));
    for (std::size_t row = 0; row < std::min(table.rows.size(), kShownRows); ++row) {
      std::vector<std::string>& cells = lines.emplace_back();
      for (const Cell& cell : table.rows[row]) cells.push_back(CellText(cell));
    }
    std::vector<std::size_t> widths(table.columns.size(), 0);
    for (const auto& cells : lines) {
      for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], CharacterCount(cells[i]));
    }
    for (std::size_t row = 0; row < lines.size(); ++row) {
      std::string text = "   ";
      for (std::size_t i = 0; i < lines[row].size(); ++i) {
        text += fmt::format("{} {}{}", i == 0 ? "" : " |", lines[row][i],
                            std::string(widths[i] - CharacterCount(lines[row][i]), ' '));
      }
      text.erase(text.find_last_not_of(' ') + 1);
      Painted(row == 0 ? "2" : nullptr, text);
    }
    if (table.rows.size() > kShownRows) Line(fmt::format("    ... and {} more", table.rows.size() - kShownRows));
  }

  const Verdict& verdict_;
  const Finding& finding_;
  const FindingTextOptions& options_;
  std::string text_;
};

}  // namespace

std::string FindingText(const Verdict& verdict, const FindingTextOptions& options) {
  return FindingWriter(verdict, options).Text();
}

std::string CellText(const Cell& cell, std::size_t shown_characters) {
  if (!cell) return "NULL";
  std::string text;
  std::size_t characters = 0;
  for (const char c : PrintableLine(*cell)) {
    const bool continues = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
    if (!continues && ++characters > shown_characters) return fmt::format("{}... ({} bytes)", text, cell->size());
    text += c;
  }
  const bool quoted = text.empty() || text.front() == ' ' || text.back() == ' ' || text == "NULL";
  return quoted ? "'" + text + "'" : text;
}

std::string AgainCommand(const Verdict& verdict) {
  if (verdict.finding && verdict.finding->counterexample) {
    return "migproof reproduce " + ShellWord(FindingName(verdict));
  }
  return verdict.reproduction;
}

std::string AcceptCommand(const Verdict& verdict) {
  return fmt::format("migproof accept {} \"WHY\" --until DAY", ShellWord(FindingName(verdict)));
}

}  // namespace migproof
