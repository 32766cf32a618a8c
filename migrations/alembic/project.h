// Where an Alembic project keeps what: alembic.ini or pyproject.toml, env.py, the directories of its revisions.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace migproof {

struct AlembicProject {
  std::filesystem::path base;    // where alembic is run: the directory of alembic.ini
  std::filesystem::path ini;     // "": none
  std::filesystem::path toml;    // "": none
  std::filesystem::path script;  // the directory of env.py
  std::vector<std::filesystem::path> versions;
  bool recursive = false;             // revisions lie in directories below, too
  std::string driver = "postgresql";  // what the URL begins with: "postgresql", "postgresql+asyncpg"
  std::string version_table = "alembic_version";
  std::string version_table_schema;  // "": none

  // `path` is alembic.ini or pyproject.toml, or the directory that it or env.py lies in. Error(usage) where no project
  // is there.
  static AlembicProject Find(const std::filesystem::path& path);
};

// The keys of one section of an .ini file, %(name)s filled in; `here` is %(here)s. Error(usage) with the line for what
// Python's configparser would refuse.
std::map<std::string, std::string> ReadIniSection(const std::string& text, const std::string& file,
                                                  const std::string& section, const std::string& here);

}  // namespace migproof
