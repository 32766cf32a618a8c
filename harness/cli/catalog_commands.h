// `migproof catalog` and `migproof drift`: what a revision, a file or a database defines, and how two of them differ.
#pragma once

#include <ostream>
#include <string>

#include "harness/cli/config.h"
#include "harness/postgres/provider.h"

namespace migproof {

struct CatalogCommand {
  Config config;
  StartOptions start;
};

// Writes the model of `source` as JSON. A source is a model file (.json), an SQL file (.sql, run on a throw-away
// database), a database URL (postgresql://..., only read), or a target of the history ("head", an id), migrated on a
// throw-away database.
void WriteCatalog(const CatalogCommand& command, const std::string& source, std::ostream& out);

// Writes one line per difference, notes marked as such. Returns 1 on drift, else 0.
int WriteDrift(const CatalogCommand& command, const std::string& was, const std::string& is, std::ostream& out);

}  // namespace migproof
