// One self-contained page: nothing is loaded, everything of the history and the database is escaped.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "harness/report/drift_sign.h"
#include "harness/report/embedded_page.h"
#include "harness/report/finding_text.h"
#include "harness/report/graph_layout.h"
#include "harness/report/printable.h"
#include "harness/report/reporter.h"
#include "harness/report/waivers.h"

namespace migproof {

namespace {

// The digest of page.js, which alone may run: html_test.cc sees a browser refuse any other.
constexpr const char* kScriptDigest = "sha256-Re02+lqCu1fZCCwI+8tyyO0p+AclHaJgKzLwzttfRlc=";

constexpr std::size_t kRowHeight = 30;  // px, as in page.css
constexpr std::size_t kLaneWidth = 16;

std::string_view PageFile(std::string_view name) {
  for (const auto& [file, text] : kEmbeddedPage) {
    if (file == name) return text;
  }
  return "";
}

std::string HtmlEscaped(std::string_view text) {
  std::string escaped;
  for (const char c : Printable(text)) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      case '\'': escaped += "&#39;"; break;
      default: escaped += c;
    }
  }
  return escaped;
}

// How an outcome looks: a class of page.css, and a mark that needs no colour.
struct Look {
  const char* style;
  const char* mark;
};

Look LookOf(const Verdict& verdict) {
  switch (verdict.outcome) {
    case Outcome::kHeld: return {"held", "✓"};
    case Outcome::kFalsified: return verdict.waiver.empty() ? Look{"bad", "✗"} : Look{"none", "w"};
    case Outcome::kNotApplicable: return {"none", "·"};
    case Outcome::kGaveUp: return {"warn", "?"};
    case Outcome::kSkipped: return {"warn", "–"};
    case Outcome::kError: break;
  }
  return {"warn", "!"};
}

bool IsUnchecked(const Verdict& verdict) {
  return verdict.outcome == Outcome::kGaveUp || verdict.outcome == Outcome::kSkipped ||
         verdict.outcome == Outcome::kError;
}

// Whether one of several verdicts on a unit is the one to show.
int Badness(const Verdict& verdict) {
  if (verdict.outcome == Outcome::kFalsified) return verdict.waiver.empty() ? 4 : 1;
  return IsUnchecked(verdict) ? 3 : verdict.outcome == Outcome::kHeld ? 2 : 0;
}

class HtmlPage {
 public:
  HtmlPage(const Report& report, std::ostream& out) : report_(report), out_(out) {
    for (std::size_t i = 0; i < report.verdicts.size(); ++i) {
      const Verdict& verdict = report.verdicts[i];
      if (std::find(laws_.begin(), laws_.end(), verdict.law) == laws_.end()) laws_.push_back(verdict.law);
      // Of several servers a cell shows the one that fared worst.
      const auto [at, fresh] = by_unit_[verdict.revision].emplace(verdict.law, i);
      if (!fresh && Badness(verdict) > Badness(report.verdicts[at->second])) at->second = i;
    }
    for (const bool waived : {false, true}) {
      for (ToldFinding& finding : FindingsToTell(report, waived)) findings_.push_back(std::move(finding));
    }
  }

  void Write() {
    Head();
    Overview();
    HistoryTable();
    Findings();
    NotChecked();
    Coverage();
    Laws();
    Notes();
    out_ << fmt::format(
        "<footer>Written by migproof {}. This page loads nothing.</footer>\n</main>\n<script>{}</script>"
        "\n</body>\n</html>\n",
        MIGPROOF_VERSION, PageFile("page.js"));
  }

 private:
  void Head() {
    out_ << fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "img-src data:; script-src '{}'; base-uri 'none'; form-action 'none'\">\n"
        "<link rel=\"icon\" href=\"data:,\">\n<title>{} · migproof</title>\n<style>\n{}</style>\n</head>\n<body>\n"
        "<a class=\"skip\" href=\"#findings\">To the findings</a>\n<main>\n",
        kScriptDigest, HtmlEscaped(SummaryText(report_)), PageFile("page.css"));
  }

  void Overview() {
    const int status = report_.ExitStatus();
    const char* style = status == 0 ? "held" : status == 1 ? "bad" : "warn";
    std::string summary = SummaryText(report_);
    summary[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(summary[0])));
    out_ << fmt::format("<p class=\"brand\"><b>▸</b> migproof</p>\n<h1 class=\"{}\">{}</h1>\n", style,
                        HtmlEscaped(summary));
    out_ << fmt::format("<p class=\"about\">{} revision{} in <code>{}</code> ({}) on {}{}</p>\n", report_.revisions,
                        report_.revisions == 1 ? "" : "s", HtmlEscaped(report_.directory), HtmlEscaped(report_.format),
                        HtmlEscaped(report_.server),
                        report_.seconds > 0 ? fmt::format(", in {:.1f} s", report_.seconds) : "");
    if (report_.shard.of > 1) {
      out_ << fmt::format("<p class=\"about\">Shard {} of {} only.</p>\n", report_.shard.index, report_.shard.of);
    }
    if (!report_.servers.empty()) {
      out_ << "<ul class=\"plain\">\n";
      for (const ReportedServer& server : report_.servers) ServerLine(server);
      out_ << "</ul>\n";
    }
    out_ << "<ul class=\"counts\">\n";
    for (const auto& [outcome, count] : report_.Counts()) {
      const Look look = LookOf({.outcome = outcome});
      out_ << fmt::format("<li class=\"{}\">{} {}</li>\n", look.style, count, ReadableName(outcome));
    }
    if (report_.Waived() > 0) out_ << fmt::format("<li class=\"none\">{} waived</li>\n", report_.Waived());
    out_ << "</ul>\n";
  }

  // "PostgreSQL 15.20 (local, ...): 2 falsified, 40 held".
  void ServerLine(const ReportedServer& server) {
    Report part;
    for (const Verdict& verdict : report_.verdicts) {
      if (verdict.server == server.name) part.verdicts.push_back(verdict);
    }
    const int status = part.ExitStatus();
    out_ << fmt::format("<li>{}: <span class=\"{}\">{}</span></li>\n", HtmlEscaped(server.description),
                        status == 0   ? "held"
                        : status == 1 ? "bad"
                                      : "warn",
                        HtmlEscaped(SummaryText(part)));
  }

  void Findings() {
    if (findings_.empty()) {
      out_ << "<p id=\"findings\">No finding.</p>\n";
      return;
    }
    out_ << "<h2 id=\"findings\">Findings</h2>\n";
    for (const ToldFinding& finding : findings_) WriteFinding(finding);
  }

  std::size_t IndexOf(const Verdict& verdict) const {
    return static_cast<std::size_t>(&verdict - report_.verdicts.data());
  }

  void WriteFinding(const ToldFinding& told) {
    const Verdict& verdict = *told.verdict;
    const Finding& finding = *verdict.finding;
    out_ << fmt::format(
        "<article class=\"finding{}\" id=\"finding-{}\">\n<header><h3><span class=\"law\">{}</span> · {}</h3>",
        verdict.waiver.empty() ? "" : " waived", IndexOf(verdict), HtmlEscaped(verdict.law),
        HtmlEscaped(PrintableLine(told.Where())));
    if (!finding.location.empty()) {
      out_ << fmt::format("<span class=\"place code\">{}</span>", HtmlEscaped(finding.location.ToString()));
    }
    out_ << fmt::format("</header>\n<div>\n<p class=\"message\">{}</p>\n", HtmlEscaped(finding.message));
    if (!verdict.waiver.empty()) {
      out_ << fmt::format("<p class=\"hint\">Waived: {}</p>\n", HtmlEscaped(verdict.waiver));
    }
    Lines("What differs", finding.drift);
    Lines("What was seen", finding.evidence);
    if (finding.counterexample) States(*finding.counterexample);
    if (!finding.hint.empty())
      out_ << fmt::format("<p class=\"hint\"><b>Hint:</b> {}</p>\n", HtmlEscaped(finding.hint));
    if (!verdict.reached_past.empty()) {
      out_ << fmt::format("<p class=\"about\">Reached past what fails in {}.</p>\n",
                          HtmlEscaped(fmt::format("{}", fmt::join(verdict.reached_past, ", "))));
    }
    if (const std::string again = AgainCommand(verdict); !again.empty()) {
      out_ << "<h4>See it again</h4>\n";
      Copyable("the command", again);
    }
    if (finding.counterexample && !finding.counterexample->script.empty()) {
      out_ << "<details><summary>As a script for psql and an empty database</summary>\n";
      Copyable("the script", finding.counterexample->script);
      out_ << "</details>\n";
    }
    if (verdict.waiver.empty()) {
      out_ << "<details><summary>Accept it for a while</summary>\n";
      Copyable("the command", AcceptCommand(verdict));
      out_ << "</details>\n";
    }
    out_ << "</div>\n</article>\n";
  }

  void Lines(const char* title, const std::vector<std::string>& lines) {
    if (lines.empty()) return;
    out_ << fmt::format("<h4>{}</h4>\n<ul class=\"lines\">\n", title);
    for (const std::string& line : lines) {
      const char sign = DriftSign(line);
      const char* style = sign == '+'   ? " class=\"plus\""
                          : sign == '-' ? " class=\"minus\""
                          : sign == '~' ? " class=\"change\""
                                        : "";
      out_ << fmt::format("<li{}>{}</li>\n", style, HtmlEscaped(line));
    }
    out_ << "</ul>\n";
  }

  void Copyable(const char* what, const std::string& text) {
    out_ << fmt::format("<div class=\"copy\" data-what=\"{}\"><pre tabindex=\"0\">{}</pre></div>\n", what,
                        HtmlEscaped(text));
  }

  // The rows, state by state; what is not as in the first state is marked.
  void States(const Counterexample& counterexample) {
    const auto& shown = counterexample.shown;
    if (shown.empty()) return;
    out_ << "<div class=\"states\">\n";
    for (std::size_t i = 0; i < shown.size();) {
      out_ << fmt::format("<section><h4>Rows {}</h4>\n", HtmlEscaped(shown[i].when));
      for (const std::string when = shown[i].when; i < shown.size() && shown[i].when == when; ++i) {
        const auto first = std::find_if(shown.begin(), shown.end(), [&](const auto& other) {
          return other.table == shown[i].table && other.when == shown.front().when;
        });
        RowTable(shown[i], first == shown.end() || when == shown.front().when ? nullptr : &first->rows);
      }
      out_ << "</section>\n";
    }
    out_ << "</div>\n";
  }

  void RowTable(const Counterexample::Shown& shown, const TableRows* first) {
    if (shown.rows.rows.empty()) {
      out_ << fmt::format("<p><span class=\"code\">{}</span>: no rows</p>\n", HtmlEscaped(shown.table));
      return;
    }
    out_ << fmt::format("<div class=\"wide\" tabindex=\"0\"><table class=\"rows\"><caption>{}</caption>\n<thead><tr>",
                        HtmlEscaped(shown.table));
    for (const std::string& column : shown.rows.columns) {
      out_ << fmt::format("<th scope=\"col\">{}</th>", HtmlEscaped(column));
    }
    out_ << "</tr></thead>\n<tbody>\n";
    constexpr std::size_t kMostRows = 50;
    for (std::size_t row = 0; row < std::min(shown.rows.rows.size(), kMostRows); ++row) {
      out_ << "<tr>";
      for (std::size_t i = 0; i < shown.rows.rows[row].size(); ++i) {
        WriteCell(shown.rows.rows[row][i], first != nullptr && Changed(shown.rows, *first, row, i));
      }
      out_ << "</tr>\n";
    }
    out_ << "</tbody></table></div>\n";
    if (shown.rows.rows.size() > kMostRows) {
      out_ << fmt::format("<p class=\"about\">… and {} more</p>\n", shown.rows.rows.size() - kMostRows);
    }
  }

  // Rows have no names: they are told apart by their place where there are as many, else by being there at all.
  static bool Changed(const TableRows& now, const TableRows& first, std::size_t row, std::size_t cell) {
    const bool same_shape = now.columns == first.columns;
    if (same_shape && std::find(first.rows.begin(), first.rows.end(), now.rows[row]) != first.rows.end()) return false;
    const auto column = std::find(first.columns.begin(), first.columns.end(), now.columns[cell]);
    if (now.rows.size() != first.rows.size() || column == first.columns.end()) return true;
    return first.rows[row][static_cast<std::size_t>(column - first.columns.begin())] != now.rows[row][cell];
  }

  void WriteCell(const Cell& cell, bool changed) {
    constexpr std::size_t kShownCharacters = 400;
    const char* style = !cell && changed ? " class=\"null changed\""
                        : !cell          ? " class=\"null\""
                        : changed        ? " class=\"changed\""
                                         : "";
    out_ << fmt::format("<td{}>{}</td>", style, HtmlEscaped(CellText(cell, kShownCharacters)));
  }

  void NotChecked() {
    std::map<std::string, std::vector<const Verdict*>> by_reason;
    for (const Verdict& verdict : report_.verdicts) {
      if (IsUnchecked(verdict)) {
        by_reason[fmt::format("{}: {}", ReadableName(verdict.outcome), verdict.reason)].push_back(&verdict);
      }
    }
    if (by_reason.empty()) return;
    out_ << "<h2 id=\"unchecked\">Not checked</h2>\n<ul class=\"plain\">\n";
    for (const auto& [reason, verdicts] : by_reason) {
      out_ << fmt::format(
          "<li><span class=\"warn\">{}</span><br><span class=\"about\"><code>{}</code> · {}{}</span></li>\n",
          HtmlEscaped(reason), HtmlEscaped(verdicts.front()->law),
          HtmlEscaped(PrintableLine(UnitName(*verdicts.front()))),
          verdicts.size() > 1 ? fmt::format(" and {} more", verdicts.size() - 1) : "");
    }
    out_ << "</ul>\n";
  }

  // Graph and matrix in one: a revision is a row, the newest on top.
  void HistoryTable() {
    const GraphLayout layout = LayOut(report_.graph);
    out_ << "<h2 id=\"history\">History</h2>\n";
    if (layout.rows.empty() && laws_.empty()) {
      out_ << "<p>Nothing was looked at.</p>\n";
      return;
    }
    out_ << "<div class=\"history\" tabindex=\"0\" role=\"region\" aria-labelledby=\"history\"><table>\n<thead><tr>"
            "<th class=\"first\" colspan=\"2\" scope=\"col\">revision</th>";
    for (const std::string& law : laws_) {
      out_ << fmt::format("<th class=\"turned\" scope=\"col\"><div>{}</div></th>", HtmlEscaped(law));
    }
    out_ << "</tr></thead>\n<tbody>\n";
    std::set<std::string> drawn = {""};
    for (std::size_t row = 0; row < layout.rows.size(); ++row) {
      const ReportedRevision& revision = *layout.rows[row];
      drawn.insert(revision.id);
      out_ << "<tr>";
      if (row == 0) {
        out_ << fmt::format("<td class=\"graph\" rowspan=\"{}\">{}</td>", layout.rows.size(), Drawing(layout));
      }
      NameCell(revision.id, revision.title, 1);
      Cells(revision.id);
    }
    for (const auto& [revision, unused] : by_unit_) {
      if (drawn.contains(revision)) continue;
      out_ << "<tr>";
      NameCell(revision, "not in the history", 2);
      Cells(revision);
    }
    if (by_unit_.contains("")) {
      out_ << "<tr class=\"whole\">";
      NameCell("the history as a whole", "", 2);
      Cells("");
    }
    out_ << "</tbody>\n</table></div>\n";
    Key();
  }

  void NameCell(const std::string& name, const std::string& title, int columns) {
    const std::string shown = HtmlEscaped(PrintableLine(name));
    const std::string described = title == name ? "" : HtmlEscaped(PrintableLine(title));
    out_ << fmt::format(
        "<th class=\"name\" scope=\"row\" colspan=\"{}\"><div title=\"{}{}{}\"><span class=\"code\">{}</span> "
        "<span class=\"title\">{}</span></div></th>",
        columns, shown, described.empty() ? "" : ": ", described, shown, described);
  }

  void Cells(const std::string& revision) {
    const auto unit = by_unit_.find(revision);
    for (const std::string& law : laws_) {
      const bool there = unit != by_unit_.end() && unit->second.contains(law);
      if (!there) {
        out_ << "<td></td>";
        continue;
      }
      const std::size_t index = unit->second.at(law);
      const Verdict& verdict = report_.verdicts[index];
      const Look look = LookOf(verdict);
      const std::string told = HtmlEscaped(PrintableLine(Told(verdict)));
      const std::string mark =
          fmt::format("<span aria-hidden=\"true\">{}</span><span class=\"unseen\">{}</span>", look.mark, told);
      if (verdict.outcome == Outcome::kFalsified) {
        out_ << fmt::format("<td><a class=\"cell {}\" href=\"#finding-{}\" title=\"{}\">{}</a></td>", look.style,
                            PlaceOf(verdict), told, mark);
      } else {
        out_ << fmt::format("<td><span class=\"cell {}\" title=\"{}\">{}</span></td>", look.style, told, mark);
      }
    }
    out_ << "</tr>\n";
  }

  // The finding that tells of this verdict: of the first server that shows it.
  std::size_t PlaceOf(const Verdict& verdict) const {
    const auto told = std::find_if(findings_.begin(), findings_.end(), [&](const ToldFinding& finding) {
      return finding.verdict == &verdict || FindingName(*finding.verdict) == FindingName(verdict);
    });
    return IndexOf(told == findings_.end() ? verdict : *told->verdict);
  }

  static std::string Told(const Verdict& verdict) {
    std::string text = fmt::format("{}: {}", verdict.law, ReadableName(verdict.outcome));
    if (!verdict.server.empty()) text += " on " + verdict.server;
    if (!verdict.waiver.empty()) text += ", waived";
    if (verdict.finding) return fmt::format("{}: {}", text, verdict.finding->message);
    if (!verdict.reason.empty()) return fmt::format("{}: {}", text, verdict.reason);
    const std::string looked = ExercisedText(verdict.exercised);
    return looked.empty() ? text : fmt::format("{} ({})", text, looked);
  }

  std::string Drawing(const GraphLayout& layout) const {
    const std::size_t width = (layout.width + 1) * kLaneWidth;
    const std::size_t height = layout.rows.size() * kRowHeight;
    std::string svg = fmt::format(
        "<svg width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"img\" aria-label=\"The graph of {2} "
        "revisions, the newest on top\">",
        width, height, layout.rows.size());
    for (const GraphEdge& edge : layout.edges) svg += EdgePath(layout, edge);
    for (std::size_t row = 0; row < layout.rows.size(); ++row) {
      const ReportedRevision& revision = *layout.rows[row];
      svg += fmt::format(
          "<circle class=\"node {}\" cx=\"{}\" cy=\"{}\" r=\"5\"><title>{}{}</title></circle>", Worst(revision.id),
          X(layout.lanes[row]), Y(row), HtmlEscaped(PrintableLine(revision.id)),
          revision.parents.empty() ? "" : HtmlEscaped(fmt::format(" after {}", fmt::join(revision.parents, ", "))));
    }
    return svg + "</svg>";
  }

  static std::size_t X(std::size_t lane) { return lane * kLaneWidth + kLaneWidth / 2 + 2; }
  static std::size_t Y(std::size_t row) { return row * kRowHeight + kRowHeight / 2; }

  // From the child over into the edge's lane, down, and over to the parent.
  static std::string EdgePath(const GraphLayout& layout, const GraphEdge& edge) {
    std::string path = fmt::format("M{} {}", X(layout.lanes[edge.child]), Y(edge.child));
    const auto bend = [&](std::size_t from_x, std::size_t from_row, std::size_t to_x) {
      const std::size_t middle = Y(from_row) + kRowHeight / 2;
      path += from_x == to_x ? fmt::format("V{}", Y(from_row + 1))
                             : fmt::format("C{0} {1} {2} {1} {2} {3}", from_x, middle, to_x, Y(from_row + 1));
    };
    const std::size_t child = X(layout.lanes[edge.child]);
    const std::size_t parent = X(layout.lanes[edge.parent]);
    const std::size_t lane = X(edge.lane);
    if (edge.parent == edge.child + 1) {
      bend(child, edge.child, parent);
    } else {
      bend(child, edge.child, lane);
      path += fmt::format("V{}", Y(edge.parent - 1));
      bend(lane, edge.parent - 1, parent);
    }
    return fmt::format("<path class=\"edge{}\" d=\"{}\"/>", edge.depends_on ? " depends" : "", path);
  }

  const char* Worst(const std::string& revision) const {
    const auto unit = by_unit_.find(revision);
    if (unit == by_unit_.end()) return "";
    const char* worst = "";
    for (const auto& [law, index] : unit->second) {
      const Look look = LookOf(report_.verdicts[index]);
      const std::string_view style = look.style;
      if (style == "bad") return look.style;
      if (style == "warn" || (style == "held" && *worst == '\0')) worst = look.style;
    }
    return worst;
  }

  void Key() {
    out_ << "<p class=\"key\">";
    for (const Outcome outcome : {Outcome::kHeld, Outcome::kFalsified, Outcome::kGaveUp, Outcome::kSkipped,
                                  Outcome::kError, Outcome::kNotApplicable}) {
      const Look look = LookOf({.outcome = outcome});
      out_ << fmt::format("<span><b class=\"{}\">{}</b> {}</span>", look.style, look.mark, ReadableName(outcome));
    }
    if (report_.Waived() > 0) out_ << "<span><b class=\"none\">w</b> waived</span>";
    out_ << "</p>\n";
  }

  void Coverage() {
    const migproof::Coverage& coverage = report_.coverage;
    if (coverage.tables() == 0) return;
    out_ << fmt::format("<h2 id=\"rows\">Generated rows</h2>\n<p>{} rows in {} of {} tables", coverage.rows(),
                        coverage.tables_filled(), coverage.tables());
    if (coverage.nullable_columns() > 0) {
      out_ << fmt::format("; {} of {} nullable columns seen NULL and not", coverage.nullable_columns_seen_both_ways(),
                          coverage.nullable_columns());
    }
    if (coverage.refused() > 0) out_ << fmt::format("; {} more refused", coverage.refused());
    if (coverage.forbidden() > 0) out_ << fmt::format("; {} taken out by assumptions", coverage.forbidden());
    out_ << ".</p>\n";
    List(coverage.Empty());
  }

  void Laws() {
    if (report_.law_sentences.empty()) return;
    out_ << "<h2 id=\"laws\">Laws</h2>\n<dl class=\"laws\">\n";
    for (const auto& [law, sentence] : report_.law_sentences) {
      out_ << fmt::format("<dt>{}</dt><dd>{}</dd>\n", HtmlEscaped(law), HtmlEscaped(sentence));
    }
    out_ << "</dl>\n";
  }

  void Notes() {
    std::vector<std::string> notes = report_.notes;
    for (const Verdict& verdict : report_.verdicts) {
      for (const std::string& note : verdict.notes) {
        notes.push_back(fmt::format("{}, {}: {}", verdict.law, UnitName(verdict), note));
      }
    }
    if (notes.empty()) return;
    out_ << "<h2 id=\"notes\">Notes</h2>\n";
    List(notes);
  }

  void List(const std::vector<std::string>& lines) {
    if (lines.empty()) return;
    out_ << "<ul class=\"plain\">\n";
    for (const std::string& line : lines) out_ << fmt::format("<li>{}</li>\n", HtmlEscaped(line));
    out_ << "</ul>\n";
  }

  const Report& report_;
  std::ostream& out_;
  std::vector<std::string> laws_;                                      // as reported
  std::map<std::string, std::map<std::string, std::size_t>> by_unit_;  // verdicts by revision and law
  std::vector<ToldFinding> findings_;                                  // those that count, then the waived
};

class HtmlReporter : public Reporter {
 public:
  std::string_view Summary() const override {
    return "one self-contained page: findings with their rows, graph and matrix";
  }
  void Write(const Report& report, const ReporterOptions&, std::ostream& out) const override {
    HtmlPage(report, out).Write();
  }
};

const Registered<Reporter, HtmlReporter> kHtml("html");

}  // namespace

}  // namespace migproof
