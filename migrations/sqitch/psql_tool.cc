#include "migrations/sqitch/psql_tool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "migrations/format.h"
#include "migrations/session.h"
#include "migrations/step_sql.h"
#include "migrations/tool_process.h"

namespace migproof {

namespace {

namespace fs = std::filesystem;

constexpr int kPsqlTimeoutMs = 3'600'000;
constexpr int kCannotRunPsql = 127;
constexpr int kPsqlLostConnection = 2;
constexpr const char* kWrongPlace = "MP001";  // the SQLSTATE by which our own question is told from the script's errors

struct PsqlEnd {
  int status = 0;
  std::string complaints;
};

std::vector<char*> PointersTo(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Reads until the other side closes it; false where that takes longer than the timeout.
bool ReadAll(int fd, std::string& text, int timeout_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  for (char chunk[4096];;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    pollfd wait{fd, POLLIN, 0};
    const int ready = left <= 0 ? 0 : poll(&wait, 1, static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    const ssize_t got = read(fd, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return true;
    text.append(chunk, static_cast<std::size_t>(got));
  }
}

// Runs psql in `directory` to its end. It dies with us.
PsqlEnd RunPsqlProgram(const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
                       const fs::path& directory) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw Error(ErrorKind::kInternal, "can't make a pipe for psql");
  const std::vector<char*> argv = PointersTo(arguments);
  const std::vector<char*> envp = PointersTo(environment);
  const std::string where = directory.empty() ? "." : directory.string();
  const pid_t owner = getpid();
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != owner || chdir(where.c_str()) != 0) _exit(kCannotRunPsql);
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    for (int signal = 1; signal < NSIG; ++signal) std::signal(signal, SIG_DFL);
    execve(argv[0], argv.data(), envp.data());
    _exit(kCannotRunPsql);
  }
  close(ends[1]);
  PsqlEnd end;
  const bool in_time = child > 0 && ReadAll(ends[0], end.complaints, kPsqlTimeoutMs);
  close(ends[0]);
  if (child < 0) throw Error(ErrorKind::kInternal, "can't start a process for psql");
  if (!in_time) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time) throw Error(ErrorKind::kServer, fmt::format("psql did not end within {} ms", kPsqlTimeoutMs));
  end.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return end;
}

// One "psql:FILE:LINE: ERROR:  SQLSTATE: MESSAGE" (VERBOSITY=verbose), or "psql:FILE:LINE: error: MESSAGE" of psql
// itself.
struct PsqlComplaint {
  SourceLocation where;
  std::string sqlstate;  // "": psql's own
  std::string message;
};

std::optional<PsqlComplaint> ParsePsqlComplaint(std::string_view line) {
  constexpr std::string_view kPsql = "psql:";
  if (line.substr(0, kPsql.size()) != kPsql) return std::nullopt;
  line.remove_prefix(kPsql.size());
  static constexpr std::string_view kMarks[] = {": ERROR:  ", ": FATAL:  ", ": PANIC:  ", ": error: "};
  for (const std::string_view mark : kMarks) {
    const std::size_t at = line.find(mark);
    if (at == std::string_view::npos) continue;
    PsqlComplaint complaint;
    complaint.message = line.substr(at + mark.size());
    const std::string_view place = line.substr(0, at);
    const std::size_t colon = place.rfind(':');
    if (colon != std::string_view::npos) {
      complaint.where.file = place.substr(0, colon);
      std::from_chars(place.data() + colon + 1, place.data() + place.size(), complaint.where.line);
    }
    const std::string& message = complaint.message;
    if (mark != ": error: " && message.size() > 7 && message.compare(5, 2, ": ") == 0) {
      complaint.sqlstate = message.substr(0, 5);
      complaint.message = message.substr(7);
    }
    return complaint;
  }
  return std::nullopt;
}

// The statement of the script that ends on the line: psql tells the line on which it sent it.
std::string StatementAt(const SourceLocation& where) {
  try {
    const Script script = Script::Parse(ReadTextFile(where.file), {where.file, 1});
    for (const Statement& statement : script.statements()) {
      if (script.At(statement.end).line >= where.line) return std::string(script.Text(statement));
    }
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): then the place alone has to do
  }
  return "";
}

Error ErrorOfComplaint(const PsqlComplaint& complaint) {
  if (complaint.sqlstate.empty()) return Error(ErrorKind::kMigration, complaint.message).WithLocation(complaint.where);
  SqlFailure failure;
  failure.sqlstate = complaint.sqlstate;
  failure.message = complaint.message;
  failure.where = complaint.where;
  failure.statement = StatementAt(complaint.where);
  Error error(ErrorKind::kMigration, failure);
  return error.where().empty() ? std::move(error).WithLocation(complaint.where) : error;
}

std::vector<PsqlComplaint> ParseComplaints(std::string_view text) {
  std::vector<PsqlComplaint> complaints;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (auto complaint = ParsePsqlComplaint(text.substr(0, end))) complaints.push_back(std::move(*complaint));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return complaints;
}

std::string ProofStatement(const ToolPlace& place) {
  return fmt::format(
      "DO $proof$ BEGIN IF ({}) IS DISTINCT FROM {} THEN RAISE 'not the database of the step' USING ERRCODE = '{}'; "
      "END IF; END $proof$",
      place.question, SqlLiteral(place.answer), kWrongPlace);
}

std::string PsqlQuoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text)
    quoted += c == '\'' ? std::string("''") : c == '\\' ? std::string("\\\\") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

std::string FindOnPath(const std::string& name) {
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe)
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    const fs::path candidate = fs::path(rest.substr(0, end)) / name;
    if (end > 0 && access(candidate.c_str(), X_OK) == 0) return candidate.string();
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return "";
}

PsqlTool::PsqlTool(std::string psql, std::shared_ptr<const SqitchProject> project)
    : psql_(std::move(psql)), project_(std::move(project)), ledger_(project_) {}

const SqitchChange& PsqlTool::ChangeOf(const Revision& revision) const {
  for (const SqitchChange& change : project_->plan.changes) {
    if (change.id == revision.ledger_key) return change;
  }
  throw Error(ErrorKind::kInternal, fmt::format("change '{}' is not in the plan", revision.id));
}

void PsqlTool::Prepare(const ToolPlace& place) {
  Session session(place.url);
  session.Execute("SET client_min_messages = warning;" + JoinSql(ledger_.CreateSql()));
}

// As the tool calls it: no psqlrc, stop at the first error, the variables of the project, its directory.
std::vector<Error> PsqlTool::RunScript(const ToolPlace& place, const fs::path& file, SqitchProject::Script script,
                                       bool leaving_out) const {
  std::vector<std::string> environment = EnvironmentForTools();
  for (std::string& setting : ConninfoEnvironment(place.url)) environment.push_back(std::move(setting));
  environment.emplace_back("LC_MESSAGES=C");
  std::vector<std::string> arguments = {psql_,           "--quiet", "--no-psqlrc",      "--no-align",
                                        "--tuples-only", "--set",   "VERBOSITY=verbose"};
  for (const auto& [name, value] : project_->VariablesFor(script)) {
    arguments.insert(arguments.end(), {"--set", fmt::format("{}={}", name, value)});
  }
  arguments.insert(arguments.end(), {"--set", "ON_ERROR_STOP=1", "--command", ProofStatement(place)});
  for (const std::string& setting : place.settings) arguments.insert(arguments.end(), {"--command", setting});
  if (leaving_out) {
    arguments.insert(arguments.end(),
                     {"--command", "\\set ON_ERROR_STOP 0", "--command", "\\set ON_ERROR_ROLLBACK on"});
  }
  const fs::path absolute = fs::absolute(file).lexically_normal();
  arguments.insert(arguments.end(), {"--file", absolute.string()});
  const PsqlEnd end = RunPsqlProgram(arguments, environment, project_->root);
  if (end.complaints.find(kWrongPlace) != std::string::npos) {
    throw Error(ErrorKind::kServer, "refused: psql is not on the database of the step");
  }
  std::vector<Error> refusals;
  for (PsqlComplaint& complaint : ParseComplaints(end.complaints)) {
    // psql tells its argument as it was given, and what that includes as it is written there.
    const fs::path told = complaint.where.file;
    complaint.where.file = told == absolute ? file.string() : (project_->root / told).lexically_normal().string();
    refusals.push_back(ErrorOfComplaint(complaint));
    if (refusals.back().sql() && refusals.back().sql()->IsEnvironmental()) throw refusals.back();
  }
  const bool failed = end.status != 0 && !(leaving_out && end.status == 3);
  if (end.status == kPsqlLostConnection || (failed && refusals.empty())) {
    throw Error(ErrorKind::kServer, fmt::format("psql ended with status {}: {}", end.status, end.complaints))
        .WithLocation({file.string(), 0});
  }
  return refusals;
}

ToolRun PsqlTool::Run(const ToolPlace& place, const Step& step, bool leaving_out) {
  const bool up = step.direction == Direction::kUpgrade;
  const auto script = up ? SqitchProject::Script::kDeploy : SqitchProject::Script::kRevert;
  const fs::path file = project_->FileOf(ChangeOf(*step.revision), script);
  ToolRun run;
  run.refusals = RunScript(place, file, script, leaving_out);
  for (const Error& refusal : run.refusals) {
    if (refusal.sql()) run.sent.push_back({refusal.sql()->statement, refusal.where().line, false});
  }
  if (!run.refusals.empty() && !leaving_out) return run;
  Session session(place.url);
  session.Execute("BEGIN;" + JoinSql(ledger_.EntrySql(step)) + ";COMMIT");
  run.recorded = true;
  return run;
}

std::vector<Error> PsqlTool::Verify(const ToolPlace& place, const Revision& revision) {
  const auto script = SqitchProject::Script::kVerify;
  return RunScript(place, project_->FileOf(ChangeOf(revision), script), script, false);
}

std::string PsqlTool::OfflineSql(const Step& step) {
  const bool up = step.direction == Direction::kUpgrade;
  const auto script = up ? SqitchProject::Script::kDeploy : SqitchProject::Script::kRevert;
  const auto absolute = [](const fs::path& path) { return fs::absolute(path.empty() ? "." : path).lexically_normal(); };
  std::string text = fmt::format("\\cd {}\n", PsqlQuoted(absolute(project_->root).string()));
  for (const auto& [name, value] : project_->VariablesFor(script)) {
    text += fmt::format("\\set {} {}\n", name, PsqlQuoted(value));
  }
  text += fmt::format("\\i {}\nBEGIN;\n",
                      PsqlQuoted(absolute(project_->FileOf(ChangeOf(*step.revision), script)).string()));
  for (const std::string& sql : ledger_.EntrySql(step)) text += sql + ";\n";
  return text + "COMMIT;\n";
}

}  // namespace migproof
