#include "migrations/alembic/tool.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "migrations/alembic/embedded_child.h"

namespace migproof {

namespace {

using nlohmann::json;

constexpr int kStartTimeoutMs = 60'000;
constexpr int kStepTimeoutMs = 600'000;

std::string Text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || !found->is_string() ? "" : found->get<std::string>();
}

int Number(const json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || !found->is_number_integer() ? 0 : found->get<int>();
}

bool Flag(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::string Lines(const json& texts) {
  std::string lines;
  for (const json& text : texts) lines += (lines.empty() ? "" : "\n") + text.get<std::string>();
  return lines;
}

// What the server said through a driver.
SqlFailure ReadFailure(const json& told, const std::string& file) {
  SqlFailure failure;
  failure.sqlstate = Text(told, "sqlstate");
  failure.message = Text(told, "message");
  failure.detail = Text(told, "detail");
  failure.hint = Text(told, "hint");
  failure.context = Text(told, "context");
  failure.schema = Text(told, "schema");
  failure.table = Text(told, "table");
  failure.column = Text(told, "column");
  failure.type = Text(told, "type");
  failure.constraint = Text(told, "constraint");
  failure.statement = Text(told, "statement");
  failure.connection_lost = Flag(told, "lost");
  failure.where = {file, Number(told, "line")};
  return failure;
}

std::string OneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.size() > 120 ? text.substr(0, 117) + "..." : text;
}

// An exception that came out of a revision.
Error ReadError(const json& told, const Step& step, const std::vector<ToolRun::Sent>& sent) {
  const std::string& file = step.revision->where.file;
  if (!Text(told, "sqlstate").empty() || Flag(told, "lost")) {
    SqlFailure failure = ReadFailure(told, file);
    const ErrorKind kind = failure.connection_lost ? ErrorKind::kServer : ErrorKind::kMigration;
    return Error(kind, std::move(failure));
  }
  std::string message = fmt::format("{}: {}", Text(told, "type"), Text(told, "message"));
  if (!sent.empty()) {
    message += fmt::format(" (after {} statement{}, the last: {})", sent.size(), sent.size() == 1 ? "" : "s",
                           OneLine(sent.back().sql));
  }
  return Error(ErrorKind::kMigration, message).WithLocation({file, Number(told, "line")});
}

// An error that the revision caught itself, and that left it in an aborted transaction.
Error ReadSwallowed(const json& told, const Step& step, bool recorded) {
  SqlFailure failure = ReadFailure(told, step.revision->where.file);
  const int ignored = Number(told, "ignored");
  failure.message = fmt::format(
      "an error is swallowed and leaves the transaction aborted: {}; {} later statement{} ignored{}", failure.message,
      ignored, ignored == 1 ? " is" : "s are", recorded ? ", and the version is recorded all the same" : "");
  return Error(ErrorKind::kMigration, std::move(failure));
}

}  // namespace

AlembicTool::AlembicTool(AlembicProject project, ToolSettings settings)
    : project_(std::move(project)), settings_(std::move(settings)) {}

std::string AlembicTool::Setting(const std::string& key) const {
  const auto found = settings_.values.find(key);
  return found == settings_.values.end() ? "" : found->second;
}

// The one that is named, or those that may have Alembic, in the order in which a shell would find them.
std::vector<std::string> AlembicTool::Interpreters() const {
  if (const std::string named = Setting("python"); !named.empty()) return {named};
  std::vector<std::string> candidates;
  const auto add = [&](const std::filesystem::path& program) {
    std::error_code failure;
    if (!std::filesystem::exists(program, failure)) return;
    const std::string text = program.string();
    if (std::find(candidates.begin(), candidates.end(), text) == candidates.end()) candidates.push_back(text);
  };
  if (const char* environment = std::getenv("VIRTUAL_ENV")) {  // NOLINT(concurrency-mt-unsafe)
    add(std::filesystem::path(environment) / "bin" / "python3");
  }
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe)
  std::vector<std::filesystem::path> directories;
  std::istringstream words(path == nullptr ? "" : path);
  for (std::string directory; std::getline(words, directory, ':');) {
    if (!directory.empty()) directories.emplace_back(directory);
  }
  // The one that the command `alembic` would be run by has it for sure: "#!/usr/bin/python3".
  for (const std::filesystem::path& directory : directories) {
    std::ifstream command(directory / "alembic");
    std::string line;
    if (!std::getline(command, line) || line.rfind("#!/", 0) != 0) continue;
    if (line.find("python") != std::string::npos && line.find(' ') == std::string::npos) add(line.substr(2));
  }
  for (const std::filesystem::path& directory : directories) add(directory / "python3");
  add("/usr/bin/python3");
  return candidates;
}

void AlembicTool::Start() {
  std::vector<std::string> environment = EnvironmentForTools();
  environment.emplace_back("PYTHONDONTWRITEBYTECODE=1");  // nothing is left in the project's directories
  static std::string found;                               // what one tool of this process has found serves the next
  const bool named = !Setting("python").empty();
  const std::vector<std::string> interpreters =
      named || found.empty() ? Interpreters() : std::vector<std::string>{found};
  std::string seen;
  for (const std::string& interpreter : interpreters) {
    auto process = std::make_unique<ToolProcess>(interpreter, kEmbeddedPrograms[0].second, environment);
    json greeting;
    try {
      greeting = process->Greeting(kStartTimeoutMs);
    } catch (const Error& error) {
      seen += fmt::format("{}{}: {}", seen.empty() ? "" : "; ", interpreter, error.message());
      continue;
    }
    if (Flag(greeting, "ready")) {
      process_ = std::move(process);
      if (!named) found = interpreter;
      return;
    }
    seen += fmt::format("{}{}: {}", seen.empty() ? "" : "; ", interpreter, Text(greeting, "why"));
  }
  if (interpreters.empty()) {
    throw Error(ErrorKind::kUsage, "there is no python3 on this machine, and an Alembic history needs one")
        .WithHint("apt-get install alembic python3-psycopg2, or name an interpreter: \"tool\": {\"python\": ...}");
  }
  throw Error(ErrorKind::kUsage, fmt::format("no Python with Alembic was found ({})", seen))
      .WithHint(
          "apt-get install alembic python3-psycopg2, or pip install alembic psycopg2-binary; or name the interpreter "
          "that has them in migproof.json: \"tool\": {\"python\": \".venv/bin/python\"}");
}

ToolProcess& AlembicTool::StartedProcess() {
  if (process_ != nullptr && process_->IsOurs()) return *process_;
  process_.reset();
  open_ = false;
  Start();
  return *process_;
}

ToolProcess& AlembicTool::Process() {
  StartedProcess();
  if (!open_) Open();
  return *process_;
}

void AlembicTool::Open() {
  const std::string section = Setting("section");
  json x = json::array();
  std::istringstream words(Setting("x"));
  for (std::string word; words >> word;) x.push_back(word);
  const auto absolute = [](const std::filesystem::path& path) {
    return path.empty() ? "" : std::filesystem::absolute(path).lexically_normal().string();
  };
  const json request = {
      {"do", "open"},
      {"directory", absolute(project_.base)},
      {"ini", absolute(project_.ini)},
      {"toml", absolute(project_.toml)},
      {"section", section.empty() ? "alembic" : section},
      {"script_location", project_.ini.empty() && project_.toml.empty() ? absolute(project_.script) : ""},
      {"driver", Setting("driver").empty() ? project_.driver : Setting("driver")},
      {"url_names", json::array({settings_.database_url_env})},
      {"x", x}};
  Ask(request, nullptr);
  open_ = true;
}

json AlembicTool::Ask(json request, const ToolPlace* place) {
  if (place != nullptr) {
    request["place"] = {
        {"url", place->url}, {"question", place->question}, {"answer", place->answer}, {"settings", place->settings}};
  }
  const std::string deed = request.at("do");
  ToolProcess& process = deed == "open" || deed == "model" ? StartedProcess() : Process();
  const json answer = process.Ask(request, kStepTimeoutMs);
  if (answer.contains("wrong_place")) {
    throw Error(ErrorKind::kServer, fmt::format("refused: {}", Text(answer, "wrong_place")))
        .WithLocation({(project_.script / "env.py").string(), 0})
        .WithHint(fmt::format("nothing was run there. env.py must take its database from sqlalchemy.url, from the "
                              "environment variable {} (database_url_env), or from config.attributes[\"connection\"]",
                              settings_.database_url_env));
  }
  if (answer.contains("failure")) {
    const json& failure = answer.at("failure");
    Error error(ErrorKind::kUsage,
                fmt::format("{} can't be run: {}: {}\n{}", deed == "model" ? "the model" : "the Alembic project",
                            Text(failure, "type"), Text(failure, "message"), Lines(failure.at("traceback"))));
    if (deed != "model") error.WithLocation({project_.base.string(), 0});
    throw std::move(error).WithHint(
        "these are the last lines of Python's traceback; 'tool' in migproof.json names the interpreter that has the "
        "project's packages");
  }
  return answer;
}

void AlembicTool::Prepare(const ToolPlace& place) {
  const json answer = Ask({{"do", "prepare"}}, &place);
  const std::string table = Text(answer, "version_table");
  const std::string schema = Text(answer, "version_table_schema");
  if (table == project_.version_table && schema == project_.version_table_schema) return;
  throw Error(ErrorKind::kUsage,
              fmt::format("env.py keeps its versions in '{}{}{}', which can't be read from its text (read there: "
                          "'{}{}{}')",
                          schema, schema.empty() ? "" : ".", table, project_.version_table_schema,
                          project_.version_table_schema.empty() ? "" : ".", project_.version_table))
      .WithHint("\"tool\": {\"version_table\": ..., \"version_table_schema\": ...} in migproof.json");
}

ToolRun AlembicTool::Run(const ToolPlace& place, const Step& step, bool leaving_out) {
  const json answer = Ask({{"do", "step"},
                           {"revision", step.revision->ledger_key},
                           {"direction", Name(step.direction)},
                           {"leave_out", leaving_out}},
                          &place);
  ToolRun run;
  for (const json& sent : answer.at("sent")) {
    run.sent.push_back({Text(sent, "sql"), Number(sent, "line"), Flag(sent, "ok")});
  }
  run.replays = Flag(answer, "replays");
  run.recorded = Flag(answer, "recorded");
  for (const json& refusal : answer.at("refusals")) run.refusals.push_back(ReadError(refusal, step, {}));
  const bool swallowed = answer.contains("swallowed") && answer.at("swallowed").is_object();
  if (swallowed) run.refusals.push_back(ReadSwallowed(answer.at("swallowed"), step, run.recorded));
  if (answer.contains("error")) {
    Error error = ReadError(answer.at("error"), step, run.sent);
    // What Alembic itself could not do in the aborted transaction follows from the swallowed error.
    if (!swallowed || error.sqlstate() != "25P02") run.refusals.push_back(std::move(error));
  }
  for (const Error& refusal : run.refusals) {
    if (refusal.sql() && refusal.sql()->IsEnvironmental()) throw refusal;
  }
  return run;
}

std::string AlembicTool::OfflineSql(const Step& step) {
  json starting = nullptr;
  const std::vector<std::string>& parents = step.revision->parents;
  if (step.direction == Direction::kUpgrade && !parents.empty()) starting = parents.front();
  if (step.direction == Direction::kDowngrade) starting = step.revision->ledger_key;
  const json answer = Ask({{"do", "offline"},
                           {"revision", step.revision->ledger_key},
                           {"direction", Name(step.direction)},
                           {"starting", starting}},
                          nullptr);
  if (answer.contains("error")) throw ReadError(answer.at("error"), step, {});
  return Text(answer, "sql");
}

void AlembicTool::CreateModel(const ToolPlace& place, const std::string& name) {
  const auto absolute = [](const std::filesystem::path& path) {
    return std::filesystem::absolute(path.empty() ? "." : path).lexically_normal().string();
  };
  Ask({{"do", "model"},
       {"name", name},
       {"paths", json::array({absolute(project_.base), absolute(settings_.directory.parent_path())})},
       {"driver", Setting("driver").empty() ? project_.driver : Setting("driver")}},
      &place);
}

}  // namespace migproof
