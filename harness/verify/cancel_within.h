// Cancels a statement in its middle: where it has committed one part and waits for others' locks before the next.
//
// CREATE INDEX, DROP INDEX, REINDEX and DETACH PARTITION do that when they are asked to work CONCURRENTLY (PostgreSQL
// manual, "Building Indexes Concurrently"). They wait for whoever has written to the table, and for whoever sees the
// database as it was before, so a second session that has locked every table for writing and holds an old snapshot
// stops them there, without any guess about time.
#pragma once

#include <vector>

#include "harness/verify/injection.h"
#include "harness/verify/stand.h"

namespace migproof {

// The places right before such statements.
std::vector<StepPlace> PlacesToCancelWithin(const Section& section);

// Runs the step on the stand and cancels the statement behind `place` in its middle. False where it never waited.
bool CancelWithin(const Subject& subject, Stand& stand, const Step& step, const StepPlace& place);

}  // namespace migproof
