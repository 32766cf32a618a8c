// Throws bytes at the splitter and checks what must hold for any of them:
//   cmake --preset debug -B build/fuzz -DCMAKE_CXX_COMPILER=clang++ -DMIGPROOF_FUZZ=ON -DMIGPROOF_TESTS=OFF
//   cmake --build build/fuzz --target script_fuzz && build/fuzz/script_fuzz -dict=ci/fuzz/sql.dict -max_total_time=300
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "migrations/script.h"

namespace {

using migproof::Script;
using migproof::Statement;
using migproof::StatementKind;

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "script_fuzz: does not hold: %s\n", what);
  std::abort();
}

void CheckPlaces(const Script& script) {
  std::size_t behind = 0;
  int line = script.first_line();
  for (const Statement& one : script.statements()) {
    Require(one.begin >= behind && one.end >= one.begin, "statements stand in order and apart");
    Require(one.end <= script.text().size(), "statements stand inside the text");
    Require(one.kind == StatementKind::kCopyData || one.end > one.begin, "no statement is empty");
    Require(one.line >= line && script.At(one.begin).line == one.line, "lines are counted alike");
    behind = one.end;
    line = one.line;
  }
}

// What cuts into the same statements as `script`.
std::string Joined(const Script& script) {
  std::string text = "\n";
  const std::vector<Statement>& statements = script.statements();
  for (std::size_t i = 0; i < statements.size(); ++i) {
    text += script.Text(statements[i]);
    const bool last = i + 1 == statements.size();
    const bool cut_short = last || statements[i + 1].kind == StatementKind::kMetaCommand;
    switch (statements[i].kind) {
      case StatementKind::kSql: text += cut_short ? " " : ";\n"; break;
      case StatementKind::kMetaCommand: text += "\n"; break;
      case StatementKind::kCopyData: text += "\\.\n"; break;
    }
  }
  return text;
}

void CheckCuttingAgain(const Script& script) {
  // A "\;" also ends what a semicolon doesn't: an open parenthesis.
  if (script.text().find("\\;") != std::string::npos) return;
  const Script again = Script::Parse(Joined(script), {});
  Require(again.statements().size() == script.statements().size(), "cut again, there are as many statements");
  for (std::size_t i = 0; i < again.statements().size(); ++i) {
    const Statement& before = script.statements()[i];
    const Statement& after = again.statements()[i];
    Require(before.kind == after.kind, "cut again, they are of the same kinds");
    Require(script.Text(before) == again.Text(after), "cut again, they are the same");
  }
}

void CheckWords(const Script& script) {
  for (const Statement& one : script.statements()) {
    const std::string skeleton = migproof::Skeleton(script.Text(one));
    Require(migproof::Skeleton(skeleton) == skeleton, "a skeleton is its own skeleton");
    Require(migproof::LeadingWords(skeleton, 3) == migproof::LeadingWords(script.Text(one), 3),
            "a skeleton begins with the same words");
    Require(migproof::ControlsTransaction(skeleton) == migproof::ControlsTransaction(script.Text(one)),
            "a skeleton controls transactions alike");
    static_cast<void>(migproof::RefusesTransaction(script.Text(one)));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  Script script;
  try {
    script = Script::Parse(text, {"fuzz.sql", 1});
  } catch (const migproof::Error& error) {
    Require(error.kind() == migproof::ErrorKind::kHistory && error.where().line > 0 && !error.hint().empty(),
            "a refusal says where and what to do");
    static_cast<void>(migproof::Skeleton(text));
    return 0;
  }
  CheckPlaces(script);
  CheckCuttingAgain(script);
  CheckWords(script);
  return 0;
}
