// What a domain, and the domains it stands on, ask of a value beyond its base type.
#pragma once

#include <string>

#include "harness/data/check_solver.h"
#include "harness/data/column_type.h"

namespace migproof {

// Whether the CHECKs of a domain and of those below it hold: for certain where all of them is understood, else for all
// that is known. True for other types.
bool DomainAccepts(const ColumnType& type, const std::string& value);

// False for domains NOT NULL.
bool DomainAcceptsNull(const ColumnType& type);

// The CHECKs of a domain and of all below it, parsed once per program.
const CheckSolver& ChecksOfDomain(const ColumnType& domain);

}  // namespace migproof
