// A finding as plain text: what a terminal, a JUnit failure and a SARIF message have in common.
#pragma once

#include <cstddef>
#include <string>

#include "harness/report/report.h"

namespace migproof {

struct FindingTextOptions {
  std::string indent = "";        // before each line
  std::size_t shown_lines = 100;  // of drift and of evidence each; what is left out is counted
  bool color = false;
};

// Place, message, drift, evidence, rows before and after, hint, how to see it again and how to accept it; each line
// ends in "\n". `verdict` holds a finding.
std::string FindingText(const Verdict& verdict, const FindingTextOptions& options = {});

// NULL bare; '' and what begins or ends with a space in quotes; control characters spelled out; cut behind
// `shown_characters`, with its size in bytes.
std::string CellText(const Cell& cell, std::size_t shown_characters = 40);

// The command that shows a finding again.
std::string AgainCommand(const Verdict& verdict);
// The command that accepts it, WHY and DAY to be filled in.
std::string AcceptCommand(const Verdict& verdict);

}  // namespace migproof
