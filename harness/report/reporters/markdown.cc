#include "harness/report/markdown.h"

#include "harness/report/reporter.h"

namespace migproof {

namespace {

class MarkdownReporter : public Reporter {
 public:
  std::string_view Summary() const override { return "Markdown: a table of laws, then each finding with its rows"; }
  void Write(const Report& report, const ReporterOptions&, std::ostream& out) const override {
    out << MarkdownReport(report);
  }
};

const Registered<Reporter, MarkdownReporter> kMarkdown("markdown");

}  // namespace

}  // namespace migproof
