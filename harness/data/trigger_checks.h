// What the row triggers of a table refuse of a row that comes in, said as CHECKs would say it.
//
//   TriggerChecks({{.definition = "CREATE TRIGGER g BEFORE INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION
//   public.g()",
//                   .body = "BEGIN IF NEW.price <= 0 THEN RAISE EXCEPTION 'no'; END IF; RETURN NEW; END"}},
//                 {"price"});  // {"CHECK (NOT ((price <= 0)))"}
//
// Read are the IF, ELSIF and ELSE of a body in PL/pgSQL that lead to RAISE EXCEPTION (or, in a trigger BEFORE, to
// RETURN NULL, which leaves the row out), and the trigger's WHEN. Of what else decides there (variables, queries, other
// rows) nothing is known: such a part of a condition is left for the solver to take as unknown. A body with loops, CASE
// or handlers of errors is read up to there, respectively not at all. Conditions on columns that a trigger BEFORE
// assigns to say nothing of the row as it is inserted, and are left out.
#pragma once

#include <string>
#include <vector>

namespace migproof {

struct RowTrigger {
  std::string definition;  // as pg_get_triggerdef writes it
  std::string body;        // of its function, in PL/pgSQL; "" where that is in another language
};

// `columns`: the names of the table's columns, quoted as in the catalog. Triggers for statements, and for other events
// than INSERT, count for nothing. The texts are for CheckSolver.
std::vector<std::string> TriggerChecks(const std::vector<RowTrigger>& triggers,
                                       const std::vector<std::string>& columns);

}  // namespace migproof
