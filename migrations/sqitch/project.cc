#include "migrations/sqitch/project.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include "migrations/digest.h"
#include "migrations/format.h"
#include "migrations/lexer.h"
#include "migrations/sqitch/conf.h"

namespace migproof {

namespace {

namespace fs = std::filesystem;

using Conf = std::map<std::string, std::string>;

// What the tool would find: of the target, else of the engine, else of the core.
class ConfReader {
 public:
  explicit ConfReader(const Conf& conf) : conf_(conf) {
    target_ = Get("core.target");
    if (target_.empty()) target_ = Get("engine.pg.target");
  }

  std::string Get(const std::string& key) const {
    const auto found = conf_.find(key);
    return found == conf_.end() ? "" : found->second;
  }

  std::string Fetch(const std::string& key) const {
    for (const std::string& section : {"target." + target_, std::string("engine.pg"), std::string("core")}) {
      if (std::string value = Get(section + "." + key); !value.empty()) return value;
    }
    return "";
  }

  void TakeVariables(const std::string& section, std::map<std::string, std::string>& variables) const {
    const std::string prefix = section + ".variables.";
    for (auto at = conf_.lower_bound(prefix); at != conf_.end() && at->first.rfind(prefix, 0) == 0; ++at) {
      variables[at->first.substr(prefix.size())] = at->second;
    }
  }

  const std::string& target() const { return target_; }

 private:
  const Conf& conf_;
  std::string target_;
};

constexpr std::array<std::pair<SqitchProject::Script, const char*>, 3> kScriptNames = {
    {{SqitchProject::Script::kDeploy, "deploy"},
     {SqitchProject::Script::kRevert, "revert"},
     {SqitchProject::Script::kVerify, "verify"}}};

void ReadDirectories(SqitchProject& project, const ConfReader& conf) {
  const std::string top = conf.Fetch("top_dir");
  const std::string reworked = conf.Fetch("reworked_dir");
  const fs::path top_directory = (project.root / top).lexically_normal();
  const fs::path reworked_top = reworked.empty() ? top_directory : (project.root / reworked).lexically_normal();
  const std::string plan = conf.Fetch("plan_file");
  project.plan_file = plan.empty() ? top_directory / "sqitch.plan" : (project.root / plan).lexically_normal();
  for (const auto& [script, name] : kScriptNames) {
    const std::string given = conf.Fetch(fmt::format("{}_dir", name));
    const std::string given_reworked = conf.Fetch(fmt::format("reworked_{}_dir", name));
    fs::path& directory = project.directories[script];
    fs::path& of_reworked = project.reworked_directories[script];
    directory = given.empty() ? top_directory / name : (project.root / given).lexically_normal();
    if (!given_reworked.empty()) {
      of_reworked = (project.root / given_reworked).lexically_normal();
    } else if (reworked.empty()) {
      of_reworked = directory;
    } else {
      of_reworked = reworked_top / (given.empty() ? name : given);
    }
  }
}

void ReadVariables(SqitchProject& project, const ConfReader& conf) {
  for (const auto& [script, name] : kScriptNames) {
    std::map<std::string, std::string>& variables = project.variables[script];
    for (const std::string& section :
         {std::string("core"), std::string("engine.pg"), "target." + conf.target(), std::string(name)}) {
      conf.TakeVariables(section, variables);
    }
  }
}

// psql's way to split the arguments of a meta-command: 'quoted', or up to a blank.
std::vector<std::string> PsqlArguments(std::string_view text) {
  std::vector<std::string> arguments;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == ' ' || text[i] == '\t' || text[i] == '\r') {
      ++i;
      continue;
    }
    std::string argument;
    bool quoted = false;
    for (; i < text.size() && (quoted || (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')); ++i) {
      if (text[i] == '\'') {
        quoted = !quoted;
      } else {
        argument += text[i];
      }
    }
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

// A script on its way through its includes.
class PsqlScriptReader {
 public:
  PsqlScriptReader(const fs::path& root, const std::map<std::string, std::string>& variables)
      : root_(root), variables_(variables) {}

  PsqlScript Read(const fs::path& file) {
    PsqlScript read;
    read.script = Script::Parse(ReadTextFile(file), {file.string(), 1});
    open_.push_back(file.lexically_normal());
    for (const Statement& statement : read.script.statements()) {
      if (statement.kind == StatementKind::kMetaCommand) {
        if (!read.needs_psql) {
          read.needs_psql = {read.script.At(statement.begin),
                             fmt::format("the psql meta-command '{}'", read.script.Text(statement))};
        }
        Follow(read.script, statement);
      } else if (statement.kind == StatementKind::kSql && !read.needs_psql) {
        FindVariable(read, statement);
      }
    }
    open_.pop_back();
    if (read.needs_psql || !open_.empty()) {
      for (const Statement& statement : read.script.statements()) {
        if (statement.kind == StatementKind::kSql) texts_.emplace_back(read.script.Text(statement));
      }
    }
    if (open_.empty()) read.texts = std::move(texts_);
    return read;
  }

 private:
  void Follow(const Script& script, const Statement& statement) {
    const std::string_view text = script.Text(statement);
    const std::vector<std::string> words = PsqlArguments(text);
    const SourceLocation where = script.At(statement.begin);
    const std::string& command = words.at(0);
    if (command == "\\c" || command == "\\connect") {
      throw Error(ErrorKind::kHistory, fmt::format("'{}' leaves the database that the step belongs to", text))
          .WithLocation(where)
          .WithHint("what is to be done elsewhere belongs into a project of its own");
    }
    const bool relative = command == "\\ir" || command == "\\include_relative";
    if (!relative && command != "\\i" && command != "\\include") return;
    if (words.size() < 2 || words[1].find_first_of(":`") != std::string::npos) {
      throw Error(ErrorKind::kHistory, fmt::format("what '{}' includes is known only when it runs", text))
          .WithLocation(where)
          .WithHint("name the file itself");
    }
    const fs::path base = relative ? fs::path(script.file()).parent_path() : root_;
    const fs::path included = (base / words[1]).lexically_normal();
    if (!fs::exists(included)) {
      throw Error(ErrorKind::kHistory, fmt::format("'{}' includes '{}', which is not there", text, included.string()))
          .WithLocation(where)
          .WithHint(relative ? "\\ir counts from the script's own directory"
                             : "\\i counts from where sqitch.conf lies");
    }
    if (std::find(open_.begin(), open_.end(), included) != open_.end()) {
      throw Error(ErrorKind::kHistory, fmt::format("'{}' includes itself", included.string())).WithLocation(where);
    }
    Read(included);
  }

  // ":name", ":'name'", ":"name"" or ":{?name}" of a variable that is set; psql leaves all others as they are.
  void FindVariable(PsqlScript& read, const Statement& statement) const {
    if (variables_.empty()) return;
    const std::string_view text = read.script.Text(statement);
    Lexer lexer(text);
    bool behind_colon = false;
    for (Token token = lexer.Next(); token.kind != TokenKind::kEnd; token = lexer.Next()) {
      const std::string_view word = lexer.Text(token);
      const bool quoted = word.size() > 2 && (word.front() == '\'' || word.front() == '"');
      const std::string name(quoted ? word.substr(1, word.size() - 2) : word);
      const bool touches = behind_colon && token.begin > 0 && text[token.begin - 1] == ':';
      const bool is_cast = touches && token.begin > 1 && text[token.begin - 2] == ':';
      if (touches && !is_cast && variables_.contains(name)) {
        read.needs_psql = {read.script.At(statement.begin + token.begin), fmt::format("the psql variable ':{}'", word)};
        return;
      }
      behind_colon = word == ":";
    }
  }

  const fs::path& root_;
  const std::map<std::string, std::string>& variables_;
  std::vector<fs::path> open_;
  std::vector<std::string> texts_;
};

}  // namespace

SqitchProject SqitchProject::Open(const fs::path& directory) {
  ListDirectory(directory);  // says what is wrong with it
  SqitchProject project;
  project.root = directory;
  Conf values;
  const fs::path conf_file = directory / "sqitch.conf";
  if (fs::exists(conf_file)) values = ParseSqitchConf(ReadTextFile(conf_file), conf_file.string());
  const ConfReader conf(values);
  if (const std::string engine = conf.Get("core.engine"); !engine.empty() && engine != "pg") {
    throw Error(ErrorKind::kHistory, fmt::format("the project is for the engine '{}', and only 'pg' is known", engine))
        .WithLocation({conf_file.string(), 0});
  }
  ReadDirectories(project, conf);
  ReadVariables(project, conf);
  const auto take = [](std::string value, std::string& place) {
    if (!value.empty()) place = std::move(value);
  };
  take(conf.Fetch("extension"), project.extension);
  take(conf.Fetch("registry"), project.registry);
  take(conf.Get("user.name"), project.user_name);
  take(conf.Get("user.email"), project.user_email);
  if (!fs::exists(project.plan_file)) {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' is not there", project.plan_file.string()))
        .WithHint("--path is the directory that holds sqitch.conf, or else sqitch.plan");
  }
  project.plan = SqitchPlan::Parse(ReadTextFile(project.plan_file), project.plan_file.string());
  return project;
}

std::string SqitchProject::RevisionId(const SqitchChange& change) const {
  if (change.rework_tags.empty()) return change.name;
  const std::string ending = "." + extension;
  const fs::path& directory = reworked_directories.at(Script::kDeploy);
  for (const std::string& tag : change.rework_tags) {
    if (fs::exists(directory / (change.name + "@" + tag + ending))) return change.name + "@" + tag;
  }
  return change.name + "@" + change.rework_tags.front();
}

fs::path SqitchProject::FileOf(const SqitchChange& change, Script script) const {
  const auto& places = change.rework_tags.empty() ? directories : reworked_directories;
  return places.at(script) / (RevisionId(change) + "." + extension);
}

std::string SqitchProject::ScriptHash(const SqitchChange& change) const {
  std::ifstream file(FileOf(change, Script::kDeploy), std::ios::binary);
  if (!file) return "";
  return Sha1Hex(std::string(std::istreambuf_iterator<char>(file), {}));
}

std::map<std::string, std::string> SqitchProject::VariablesFor(Script script) const {
  std::map<std::string, std::string> result = variables.at(script);
  result["registry"] = registry;
  return result;
}

PsqlScript ReadPsqlScript(const fs::path& file, const fs::path& root,
                          const std::map<std::string, std::string>& variables) {
  return PsqlScriptReader(root, variables).Read(file);
}

}  // namespace migproof
