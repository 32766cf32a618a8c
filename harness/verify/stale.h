// Declarations that excuse nothing, as far as reading the history tells, without trying anything. Where there is any
// doubt a declaration is taken to be needed.
#pragma once

#include <string>

#include "harness/catalog/catalog.h"
#include "harness/verify/subject.h"

namespace migproof {

// Whether what is assumed of the rows of `table`, as a declaration names it, may matter to a revision that comes before
// `revision` in the order: to one that names the table, but for the one that makes it.
bool MayMatterBefore(const Subject& subject, const Revision& revision, const std::string& table);

// Whether "owns `table`", declared by `revision`, keeps rows out of nothing: no statement of the history writes to the
// table, and either it is not there, at the revision (`before` and `after` its upgrade) or later, or no statement is
// known that rows in it could disturb.
bool OwnsNothing(const Subject& subject, const Revision& revision, const std::string& table, const Catalog& before,
                 const Catalog& after);

// Whether every server major that is supported (13 to 18) meets "requires server >= 13".
bool RequiresNothing(const Declaration& declaration);

}  // namespace migproof
