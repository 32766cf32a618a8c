#include "migrations/alembic/project.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>
#include <sstream>

#include "migrations/alembic/python_module.h"
#include "migrations/error.h"
#include "migrations/format.h"

namespace migproof {

namespace {

namespace fs = std::filesystem;

// False too where it can't be told: whoever opens it says why.
bool IsFile(const fs::path& path) {
  std::error_code failure;
  return fs::is_regular_file(path, failure);
}

using Keys = std::map<std::string, std::string>;

std::string Trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// "%(here)s/x" with the keys of the section; "%%" is "%".
std::string Interpolated(const std::string& value, const Keys& keys, int depth = 0) {
  std::string text;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] != '%') {
      text += value[i];
      continue;
    }
    const std::size_t close = value.compare(i, 2, "%(") == 0 ? value.find(")s", i) : std::string::npos;
    if (close != std::string::npos) {
      const auto found = keys.find(Lower(value.substr(i + 2, close - i - 2)));
      if (found != keys.end() && depth < 10) text += Interpolated(found->second, keys, depth + 1);
      i = close + 1;
    } else {
      text += '%';
      if (value.compare(i, 2, "%%") == 0) ++i;
    }
  }
  return text;
}

std::vector<std::string> Split(const std::string& text, const std::string& separators) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  while (at <= text.size()) {
    const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
    const std::string part = Trimmed(text.substr(at, end - at));
    if (!part.empty()) parts.push_back(part);
    at = end + 1;
  }
  return parts;
}

std::string Get(const Keys& keys, const std::string& key) {
  const auto found = keys.find(key);
  return found == keys.end() ? "" : found->second;
}

bool IsTrue(const std::string& value) {
  const std::string lower = Lower(value);
  return lower == "true" || lower == "yes" || lower == "on" || lower == "1";
}

// The values of path_separator, and of version_path_separator before Alembic 1.16.
std::vector<std::string> SplitPaths(const Keys& keys, const std::string& value) {
  std::string separator = Get(keys, "path_separator");
  if (separator.empty()) separator = Get(keys, "version_path_separator");
  if (separator.empty()) return Split(value, ", ");
  if (separator == "space") return Split(value, " ");
  if (separator == "newline") return Split(value, "\n");
  if (separator == "os") return Split(value, ":");
  return Split(value, separator);
}

// "%(here)s/db", "db" (from where alembic is run) or "package:db".
fs::path Located(const fs::path& base, const Keys& keys, const std::string& location, const std::string& file) {
  const std::size_t colon = location.find(':');
  if (colon == std::string::npos) {
    return (fs::path(location).is_absolute() ? fs::path(location) : base / location).lexically_normal();
  }
  std::string package = location.substr(0, colon);
  std::replace(package.begin(), package.end(), '.', '/');
  std::vector<std::string> roots = Split(Get(keys, "prepend_sys_path"), ", :");
  roots.emplace_back(".");
  for (const std::string& root : roots) {
    const fs::path candidate = (base / root / package / location.substr(colon + 1)).lexically_normal();
    if (std::error_code failure; fs::is_directory(candidate, failure)) return candidate;
  }
  throw Error(ErrorKind::kUsage,
              fmt::format("script_location '{}' is in a package that is not under {}", location, base.string()))
      .WithLocation({file, 0})
      .WithHint("name the directory of env.py with --path");
}

Keys ReadToml(const fs::path& file) {
  Keys keys;
  toml::table document;
  try {
    document = toml::parse(ReadTextFile(file), file.string());
  } catch (const toml::parse_error& error) {
    throw Error(ErrorKind::kUsage, fmt::format("not TOML: {}", error.description()))
        .WithLocation({file.string(), static_cast<int>(error.source().begin.line)});
  }
  const toml::table* table = document["tool"]["alembic"].as_table();
  if (table == nullptr) return keys;
  Keys raw = {{"here", "."}};
  for (const auto& [key, value] : *table) {
    const std::string name(key.str());
    if (const auto text = value.value<std::string>()) raw[name] = *text;
    if (const auto flag = value.value<bool>()) raw[name] = *flag ? "true" : "false";
    if (const toml::array* items = value.as_array()) {
      std::string joined;
      for (const auto& item : *items) {
        if (const auto text = item.value<std::string>()) joined += (joined.empty() ? "" : "\n") + *text;
      }
      raw[name] = joined;
      if (name == "version_locations") raw["path_separator"] = "newline";
    }
  }
  for (const auto& [name, value] : raw) keys[name] = Interpolated(value, raw);
  return keys;
}

fs::path ParentOf(const fs::path& file) {
  const fs::path parent = file.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

// The version table and the driver, as env.py writes them down.
void ReadEnv(AlembicProject& project, const std::string& configured_url) {
  const fs::path file = project.script / "env.py";
  const std::string text = ReadTextFile(file);
  const PythonModule env = PythonModule::Parse(text, file.string());
  const auto named = [&](const std::string& keyword) {
    const auto found = env.keywords.find(keyword);
    if (found != env.keywords.end()) return found->second;
    // configure(version_table=VERSION_TABLE), with the constant above
    for (const auto& [name, value] : env.values) {
      if (value.kind == PythonValue::Kind::kText && text.find(keyword + "=" + name) != std::string::npos) {
        return value.texts.front();
      }
    }
    return std::string();
  };
  if (const std::string table = named("version_table"); !table.empty()) project.version_table = table;
  project.version_table_schema = named("version_table_schema");
  const std::size_t scheme = configured_url.find("://");
  const std::string driver = scheme == std::string::npos ? "" : configured_url.substr(0, scheme);
  if (driver.rfind("postgresql", 0) == 0 || driver.rfind("postgres", 0) == 0) {
    project.driver = driver.rfind("postgresql", 0) == 0 ? driver : "postgresql";
  } else {
    const bool asynchronous = text.find("async_engine_from_config") != std::string::npos ||
                              text.find("create_async_engine") != std::string::npos;
    const bool rewrites =
        text.find("\"postgresql://\"") != std::string::npos || text.find("'postgresql://'") != std::string::npos;
    project.driver = asynchronous && !rewrites ? "postgresql+asyncpg" : "postgresql";
  }
}

bool HasTomlSection(const fs::path& file) { return IsFile(file) && !Get(ReadToml(file), "script_location").empty(); }

// What alembic would be told to read, for a path that a user names.
AlembicProject Begin(const fs::path& path) {
  AlembicProject project;
  const auto take = [&](const fs::path& file) {
    (file.extension() == ".toml" ? project.toml : project.ini) = file;
    project.base = ParentOf(file);
  };
  if (IsFile(path)) {
    take(path);
  } else if (IsFile(path / "alembic.ini")) {
    take(path / "alembic.ini");
    if (HasTomlSection(path / "pyproject.toml")) project.toml = path / "pyproject.toml";
  } else if (HasTomlSection(path / "pyproject.toml")) {
    take(path / "pyproject.toml");
  } else if (IsFile(path / "env.py")) {
    project.script = path;
    project.base = ParentOf(path);
    if (IsFile(project.base / "alembic.ini")) project.ini = project.base / "alembic.ini";
  } else {
    ListDirectory(path);  // complains where it is not there
    throw Error(ErrorKind::kUsage,
                fmt::format("no Alembic project in '{}': there is no alembic.ini and no env.py", path.string()))
        .WithHint("--path names the directory of alembic.ini, or that of env.py");
  }
  return project;
}

}  // namespace

Keys ReadIniSection(const std::string& text, const std::string& file, const std::string& section,
                    const std::string& here) {
  Keys defaults = {{"here", here}};
  Keys raw;
  std::string current, key;
  Keys* target = nullptr;
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const std::string trimmed = Trimmed(line);
    if (trimmed.empty() || trimmed[0] == '#' || trimmed[0] == ';') continue;
    const bool indented = line[0] == ' ' || line[0] == '\t';
    if (indented && !key.empty()) {
      if (target != nullptr) (*target)[key] += "\n" + trimmed;
      continue;
    }
    if (trimmed[0] == '[') {
      const std::size_t close = trimmed.find(']');
      if (close == std::string::npos) {
        throw Error(ErrorKind::kUsage, fmt::format("the section '{}' is not closed", trimmed))
            .WithLocation({file, number});
      }
      current = trimmed.substr(1, close - 1);
      target = current == section ? &raw : current == "DEFAULT" ? &defaults : nullptr;
      key.clear();
      continue;
    }
    const std::size_t mark = trimmed.find_first_of("=:");
    if (mark == std::string::npos || current.empty()) {
      throw Error(ErrorKind::kUsage, fmt::format("'{}' is neither a section nor a key", trimmed))
          .WithLocation({file, number});
    }
    key = Lower(Trimmed(trimmed.substr(0, mark)));
    if (target != nullptr) (*target)[key] = Trimmed(trimmed.substr(mark + 1));
  }
  for (const auto& [name, value] : defaults) raw.try_emplace(name, value);
  Keys keys;
  for (const auto& [name, value] : raw) keys[name] = Interpolated(value, raw);
  return keys;
}

AlembicProject AlembicProject::Find(const fs::path& path) {
  AlembicProject project = Begin(path);
  Keys keys;
  const std::string here = ".";  // paths count from the base, as the user names it: so they stand in reports
  if (!project.toml.empty()) keys = ReadToml(project.toml);
  if (!project.ini.empty()) {
    for (auto& [key, value] : ReadIniSection(ReadTextFile(project.ini), project.ini.string(), "alembic", here)) {
      keys.try_emplace(key, value);
    }
  }
  const std::string file = project.ini.empty() ? project.toml.string() : project.ini.string();
  const std::string location = Get(keys, "script_location");
  if (project.script.empty()) {
    if (location.empty()) {
      throw Error(ErrorKind::kUsage, "there is no script_location in the section [alembic]").WithLocation({file, 0});
    }
    project.script = Located(project.base, keys, location, file);
  }
  if (!IsFile(project.script / "env.py")) {
    throw Error(ErrorKind::kUsage, fmt::format("there is no env.py in '{}'", project.script.string()))
        .WithLocation({file, 0})
        .WithHint("script_location counts from the directory of alembic.ini");
  }
  for (const std::string& part : SplitPaths(keys, Get(keys, "version_locations"))) {
    project.versions.push_back(Located(project.base, keys, part, file));
  }
  if (project.versions.empty()) project.versions.push_back(project.script / "versions");
  project.recursive = IsTrue(Get(keys, "recursive_version_locations"));
  ReadEnv(project, Get(keys, "sqlalchemy.url"));
  return project;
}

}  // namespace migproof
