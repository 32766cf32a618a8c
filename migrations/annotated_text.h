// Files that keep both directions of a step, with lines that say which is which ("-- +goose Up"): what their readers
// share.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "migrations/revision.h"
#include "migrations/script.h"

namespace migproof {

struct TextLine {
  std::string_view text;   // without its end
  std::string_view whole;  // with it
  int number = 0;          // from 1
};

// Views into `text`, which must outlive them.
std::vector<TextLine> SplitLines(std::string_view text);

// White space of ASCII at both ends.
std::string_view TrimSpace(std::string_view text);

// The words of a line, by white space.
std::vector<std::string> SplitWords(std::string_view line);

// The lines of one section, from wherever they stand in the file. Lines left out between them stay as empty ones, so
// that every place keeps its number.
class SectionText {
 public:
  void Add(const TextLine& line) { Add(line, line.whole); }
  // The line, with another text in its place; its end is part of `text`.
  void Add(const TextLine& line, std::string_view text);

  bool empty() const { return text_.empty(); }
  const std::string& text() const { return text_; }
  int first_line() const { return first_line_; }
  // The number of the line added last.
  int last_line() const { return next_line_ - 1; }
  // `line` is the number that an empty section gets.
  Script Parse(const std::string& file, int line = 1) const;

 private:
  std::string text_;
  int first_line_ = 0;
  int next_line_ = 0;
};

// Whether a line ends a statement for the tools that cut by lines: its last word before a "--" ends in a semicolon.
bool EndsStatement(std::string_view line);

// A section of a tool that cuts by lines, and sends each piece as one query.
struct CutSection {
  struct Piece {
    SectionText text;
    std::size_t end = 0;  // of it, in the section's text
  };
  SectionText text;
  std::vector<Piece> pieces;
};

// The section as the tool runs it. Error(history) where its pieces are not whole statements: the tool would send half
// of one. Without a transaction a piece of several statements is an implicit one.
Section ReadCutSection(const CutSection& cut, const SourceLocation& mark, bool transaction, const std::string& hint);

// Appends what the comments of `script` declare.
void AddDeclarations(const Script& script, std::vector<Declaration>& declarations);

// "add_more-things" from "Add more things!": what tools make of a title in a file's name.
std::string TitleSlug(std::string_view title);

// The version behind `parent` (digits, "" for none): one more, as wide, where that is shorter than a time; else the
// time of day in UTC, "20240317090000", and Error(usage) where that does not come behind it.
std::string NextVersion(std::string_view parent);

// The digits at the beginning of a name.
std::string_view LeadingDigits(std::string_view name);

}  // namespace migproof
