// A report as GitHub-flavoured Markdown: a job summary, or the comment on a change. A reviewer must understand it
// without opening a log.
#pragma once

#include <string>
#include <string_view>

#include "harness/report/report.h"

namespace migproof {

// At most some 900 kB: job summaries end at 1 MiB. Findings beyond are counted.
std::string MarkdownReport(const Report& report);

// `text` as text of one line that Markdown and HTML leave alone.
std::string MarkdownEscaped(std::string_view text);

}  // namespace migproof
