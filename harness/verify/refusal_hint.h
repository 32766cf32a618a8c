// What to do about an upgrade that the rows of a database refuse.
//
//   finding.hint = RefusalHint(refusal, *before.catalog);
//   // the rows may be ruled out, if the application sees to it: -- migproof: assumes orders: note IS NOT NULL "why"
#pragma once

#include <string>

#include "harness/catalog/catalog.h"
#include "migrations/error.h"

namespace migproof {

// "" for what is no refusal of rows (SQLSTATE classes 22 and 23, and 57014, where it took too long). Where one row's
// condition says what the statement asks for, the declaration to paste is part of it; `before` is the database that the
// upgrade began with.
std::string RefusalHint(const Error& refusal, const Catalog& before);

// What to do where the upgrade speaks of a schema (3F000), or a type or role (42704), that is not there: a history
// takes these for granted more often than a table. "" for all else.
std::string AbsenceHint(const Error& refusal);

}  // namespace migproof
