// The catalog that a history is held against, from a file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "harness/catalog/catalog.h"
#include "harness/verify/stand.h"

namespace migproof {

// A model file, as `migproof catalog` writes it. Error(usage) names the file where it is something else.
Catalog ReadModelFile(const std::filesystem::path& file);
// What an SQL file makes on an empty database: a model states the whole, extensions included.
Catalog RunModelScript(const Script& script, const Bench& bench);

// What a model in Python begins with.
inline constexpr std::string_view kPythonModel = "python:";

// What SQLAlchemy metadata ("package.module:Base.metadata") creates on an empty database. Metadata can't say which
// extensions it takes for granted: `extensions` are there first.
Catalog RunModelCode(const std::string& name, const ToolSettings& settings, const Server& server,
                     const std::vector<std::string>& extensions, const std::vector<std::string>& leave_out);

// What a database holds now, ledger tables left out.
Catalog ReadDatabase(const std::string& conninfo, const std::vector<std::string>& leave_out);

}  // namespace migproof
