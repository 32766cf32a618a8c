#include "migrations/flyway/project.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "migrations/annotated_text.h"
#include "migrations/linear_format.h"
#include "migrations/recognise.h"

namespace migproof {

namespace {

namespace fs = std::filesystem;

constexpr std::array kNamingKeys = {"sqlMigrationPrefix",      "undoSqlMigrationPrefix", "repeatableSqlMigrationPrefix",
                                    "baselineMigrationPrefix", "sqlMigrationSeparator",  "sqlMigrationSuffixes",
                                    "placeholderPrefix",       "placeholderSuffix"};

std::string SmallLetters(std::string_view text) {
  std::string small(text);
  std::transform(small.begin(), small.end(), small.begin(), [](unsigned char c) { return std::tolower(c); });
  return small;
}

class TomlReader {
 public:
  TomlReader(const fs::path& file, FlywayProject& project) : file_(file.string()), project_(project) {}

  void Read(const toml::table& document) {
    const toml::table* flyway = document["flyway"].as_table();
    if (flyway == nullptr) return;
    for (const char* key : kNamingKeys) {
      if (const toml::node* node = flyway->get(key)) {
        throw Complaint(*node, fmt::format("'{}' is set, which would change what is read", key))
            .WithHint("this program reads Flyway's own names: V1__x.sql, U, R, B, ${name}");
      }
    }
    ReadTable(*flyway);
    ReadBool(*flyway, "placeholderReplacement", project_.placeholder_replacement);
    ReadBool(*flyway, "executeInTransaction", project_.execute_in_transaction);
    ReadBool(*flyway, "mixed", project_.mixed);
    const toml::table* placeholders = (*flyway)["placeholders"].as_table();
    if (placeholders == nullptr) return;
    for (const auto& [name, node] : *placeholders) {
      const auto text = node.value<std::string>();
      if (!text) throw Complaint(node, fmt::format("the placeholder '{}' is no text", name.str()));
      project_.placeholders[SmallLetters(name.str())] = *text;
    }
  }

 private:
  Error Complaint(const toml::node& node, const std::string& message) const {
    return Error(ErrorKind::kHistory, message).WithLocation({file_, static_cast<int>(node.source().begin.line)});
  }

  void ReadTable(const toml::table& flyway) {
    const auto table = flyway["table"].value<std::string>();
    const auto name_space = flyway["defaultSchema"].value<std::string>();
    if (!table && !name_space) return;
    const std::string name =
        fmt::format("{}.{}", name_space.value_or("public"), table.value_or("flyway_schema_history"));
    project_.table = TableName({{}, "", {{"table", name}}}, name);
  }

  void ReadBool(const toml::table& flyway, const char* key, bool& value) const {
    const toml::node* node = flyway.get(key);
    if (node == nullptr) return;
    const auto given = node->value_exact<bool>();
    if (!given) throw Complaint(*node, fmt::format("'{}' is neither true nor false", key));
    value = *given;
  }

  std::string file_;
  FlywayProject& project_;
};

void ReadToml(const fs::path& file, FlywayProject& project) {
  try {
    TomlReader(file, project).Read(toml::parse(ReadTextFile(file)));
  } catch (const toml::parse_error& failure) {
    throw Error(ErrorKind::kHistory, fmt::format("not TOML: {}", failure.description()))
        .WithLocation({file.string(), static_cast<int>(failure.source().begin.line)});
  }
}

bool SaysIgnore(const ToolSettings& settings, const char* key) {
  const auto found = settings.values.find(key);
  if (found == settings.values.end() || found->second == "use") return false;
  if (found->second == "ignore") return true;
  throw Error(ErrorKind::kUsage, fmt::format("'{}' in \"tool\" is 'use' or 'ignore', found '{}'", key, found->second));
}

bool ReadSwitch(const SourceLocation& where, const std::string& key, const std::string& value) {
  const std::string small = SmallLetters(value);
  if (small == "true" || small == "false") return small == "true";
  throw Error(ErrorKind::kHistory, fmt::format("'{}' is neither true nor false: '{}'", key, value)).WithLocation(where);
}

}  // namespace

FlywayProject FlywayProject::Find(const ToolSettings& settings) {
  FlywayProject project;
  if (!settings.directory.empty()) {
    const std::vector<fs::path> files = FilesAbove(settings.directory, "flyway.toml");
    if (!files.empty()) ReadToml(files.front(), project);
  }
  project.table = TableName(settings, project.table);
  constexpr std::string_view kPlaceholder = "placeholders.";
  for (const auto& [key, value] : settings.values) {
    if (key.rfind(kPlaceholder, 0) == 0) project.placeholders[SmallLetters(key.substr(kPlaceholder.size()))] = value;
  }
  project.ignores_baselines = SaysIgnore(settings, "baselines");
  project.ignores_callbacks = SaysIgnore(settings, "callbacks");
  return project;
}

FlywayScriptSettings FlywayScriptSettings::Read(const fs::path& file, const FlywayProject& project) {
  FlywayScriptSettings settings;
  settings.execute_in_transaction = project.execute_in_transaction;
  settings.placeholder_replacement = project.placeholder_replacement;
  if (file.empty()) return settings;
  const std::string text = ReadTextFile(file);
  for (const TextLine& line : SplitLines(text)) {
    const std::string_view trimmed = TrimSpace(line.text);
    if (trimmed.empty() || trimmed.front() == '#' || trimmed.front() == '!') continue;
    const SourceLocation where{file.string(), line.number};
    const std::size_t mark = std::min(trimmed.find('='), trimmed.size());
    const std::string key(TrimSpace(trimmed.substr(0, mark)));
    const std::string value(TrimSpace(trimmed.substr(std::min(mark + 1, trimmed.size()))));
    if (key == "executeInTransaction") {
      settings.execute_in_transaction = ReadSwitch(where, key, value);
      settings.says_transaction = true;
    } else if (key == "placeholderReplacement") {
      settings.placeholder_replacement = ReadSwitch(where, key, value);
    } else if (key == "shouldExecute") {
      settings.should_execute = ReadSwitch(where, key, value);
    } else if (key == "encoding") {
      if (SmallLetters(value) != "utf-8") {
        throw Error(ErrorKind::kHistory, fmt::format("the encoding '{}': only UTF-8 is read", value))
            .WithLocation(where);
      }
    } else {
      const std::vector<std::string> known = {"executeInTransaction", "placeholderReplacement", "shouldExecute",
                                              "encoding"};
      throw Error(ErrorKind::kHistory, fmt::format("unknown key '{}'", key))
          .WithLocation(where)
          .WithHint(NearNameHint(key, known, fmt::format("there are: {}", fmt::join(known, ", "))));
    }
  }
  return settings;
}

}  // namespace migproof
