// The part of Runner that has a tool of the user's run the steps.
#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "migrations/runner.h"
#include "migrations/step_sql.h"

namespace migproof {

namespace {

// The statements as one script, each on the line of the revision's file that sent it where that can be.
Section RecordedSection(const ToolRun& run, const std::string& file) {
  std::string text;
  int line = 1;
  for (const ToolRun::Sent& sent : run.sent) {
    for (; line < sent.line; ++line) text += '\n';
    text += sent.sql + ";\n";
    line += static_cast<int>(std::count(sent.sql.begin(), sent.sql.end(), '\n')) + 1;
  }
  Section section;
  section.execution = run.replays ? Execution::kTransaction : Execution::kTool;
  section.script = Script::Parse(text, {file, 1});
  return section;
}

// Keeps what a step sent. What is not the same every time does not only depend on the step.
void Record(const ToolRun& run, const Step& step) {
  const Section& section = *SectionOf(step);
  if (section.recorded == nullptr) return;
  const bool first = section.recorded->script.file().empty();
  try {
    Section seen = RecordedSection(run, step.revision->where.file);
    if (!first && seen.script.text() != section.recorded->script.text()) section.recorded->execution = Execution::kTool;
    if (first) *section.recorded = std::move(seen);
  } catch (const Error&) {  // a text that can't be cut into statements can't be sent again either
    section.recorded->execution = Execution::kTool;
  }
}

}  // namespace

Runner::~Runner() {
  if (mark_.empty() || session_.broken()) return;
  try {
    session_.Execute(fmt::format("SELECT pg_catalog.pg_advisory_unlock({})", mark_));
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): it goes with the session
  }
}

ToolPlace Runner::Place() {
  ToolPlace place;
  place.url = session_.Url();
  place.question = options_.proof.question;
  place.answer = options_.proof.answer;
  if (options_.lock_timeout_ms > 0) {
    place.settings.push_back(fmt::format("SET lock_timeout = {}", options_.lock_timeout_ms));
  }
  if (options_.statement_timeout_ms > 0) {
    place.settings.push_back(fmt::format("SET statement_timeout = {}", options_.statement_timeout_ms));
  }
  if (!place.question.empty()) return place;
  if (mark_.empty()) {
    std::random_device device;
    mark_ = std::to_string((std::int64_t{device() & 0x7fffffff} << 32) | device());
    session_.Execute(fmt::format("SELECT pg_catalog.pg_advisory_lock({})", mark_));
  }
  place.question = fmt::format(
      "SELECT pg_catalog.current_database() || CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_locks l JOIN "
      "pg_catalog.pg_database d ON d.oid = l.database WHERE d.datname = pg_catalog.current_database() AND "
      "l.locktype = 'advisory' AND l.pid = {0} AND l.classid::bigint = {1}::bigint >> 32 AND "
      "l.objid::bigint = {1}::bigint & 4294967295) THEN ' here' ELSE '' END",
      session_.backend_pid(), mark_);
  place.answer = session_.database() + " here";
  return place;
}

ToolRun Runner::RunTool(const Step& step, bool leaving_out) {
  SectionOf(step);  // refuses where there is none
  if (options_.guard) options_.guard(session_);
  try {
    ToolRun run = options_.tool->Run(Place(), step, leaving_out);
    if (run.refusals.empty() && !leaving_out) Record(run, step);
    return run;
  } catch (const Error& error) {
    throw InContext(error, step, "");
  }
}

bool Runner::IsRecorded(const Step& step) {
  const std::vector<LedgerEntry> entries = ledger_.Read(session_, history_);
  return std::any_of(entries.begin(), entries.end(),
                     [&](const LedgerEntry& entry) { return entry.revision == step.revision->id; });
}

// As it is first. Where that fails and leaves the version behind, once more without what fails. What the first run sent
// is known: refused again, it says nothing new, and what that run has kept (it need not be one transaction) is refused
// only because it is there already.
std::vector<Error> Runner::RunToolLeavingOut(const Step& step) {
  const bool up = step.direction == Direction::kUpgrade;
  ToolRun first = RunTool(step, false);
  std::vector<Error> complaints = std::move(first.refusals);
  if (!complaints.empty() && IsRecorded(step) != up) {
    ToolRun second = RunTool(step, true);
    for (Error& refusal : second.refusals) {
      const bool known = refusal.sql() && std::any_of(first.sent.begin(), first.sent.end(), [&](const auto& sent) {
                           return sent.sql == refusal.sql()->statement;
                         });
      const bool same = !refusal.sql() && refusal.where() == complaints.front().where();
      if (!known && !same) complaints.push_back(std::move(refusal));
    }
    if (IsRecorded(step) != up) {
      throw InContext(
          Error(ErrorKind::kMigration, "the step can't be completed, even without the statements that fail"), step, "");
    }
  }
  for (Error& complaint : complaints) {
    complaint.AddContext(fmt::format("in the {} of revision '{}'", Name(step.direction), step.revision->id));
  }
  return complaints;
}

}  // namespace migproof
