// Tables that generated rows can't fill, as far as the catalog tells; where their own CHECKs are to blame the server is
// asked for its word.
#pragma once

#include <map>
#include <string>

#include "harness/data/row_generator.h"
#include "harness/verify/coverage.h"
#include "migrations/session.h"

namespace migproof {

// Tells `coverage` of the tables that `generator` draws nothing for. `options` and `base` are those of the generator,
// `catalog` is the session's database as it is. Outside of any transaction; leaves nothing.
void NoteUnfillable(Session& session, const RowGenerator& generator, const Catalog& catalog, const RowSnapshot& base,
                    const RowGeneratorOptions& options, Coverage& coverage);

}  // namespace migproof
