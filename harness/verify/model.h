// The catalog that a history is held against, from a file.
#pragma once

#include <filesystem>

#include "harness/catalog/catalog.h"
#include "harness/verify/stand.h"

namespace migproof {

// A model file, as `migproof catalog` writes it. Error(usage) names the file where it is something else.
Catalog ReadModelFile(const std::filesystem::path& file);
// What an SQL file makes on an empty database: a model states the whole, extensions included.
Catalog RunModelScript(const Script& script, const Bench& bench);

// What a database holds now, ledger tables left out.
Catalog ReadDatabase(const std::string& conninfo, const std::vector<std::string>& leave_out);

}  // namespace migproof
