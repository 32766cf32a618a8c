#include "harness/verify/fill.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/data/sequence_use.h"
#include "harness/verify/assumptions.h"
#include "harness/verify/trial.h"
#include "migrations/step_sql.h"

namespace migproof {

namespace {

// Whether the server took it; if not, nothing of it is left.
bool Tried(Session& session, const std::string& statement) {
  session.Execute("SAVEPOINT migproof_fill");
  try {
    session.Execute(statement);
    session.Execute("RELEASE migproof_fill");
    return true;
  } catch (const Error& refusal) {
    if (!refusal.sql() || refusal.sql()->IsEnvironmental()) throw;
    session.Execute("ROLLBACK TO migproof_fill; RELEASE migproof_fill");
    return false;
  }
}

}  // namespace

std::vector<std::string> NotToBeFilled(const Subject& subject, const Catalog& catalog) {
  std::vector<std::string> tables = subject.ledger().Tables();
  for (const Revision* revision : subject.order()) {
    for (const Declaration& declaration : revision->declarations) {
      if (declaration.kind != "owns") continue;
      const std::string table = TableNamed(catalog, declaration.object);
      if (!table.empty()) tables.push_back(table);
    }
  }
  return tables;
}

Fill::Fill(Session& session, const Subject& subject, const AimInput& input, std::size_t rows_per_table) {
  RowGeneratorOptions options;
  options.rows_per_table = rows_per_table;
  options.leave_out = NotToBeFilled(subject, input.before);
  options.focus = TouchedTables(input);
  for (const std::string& table : options.leave_out) options.focus.erase(table);
  const std::vector<std::string> tables = input.before.Names("table");
  const bool any = std::any_of(tables.begin(), tables.end(), [&](const std::string& table) {
    return std::find(options.leave_out.begin(), options.leave_out.end(), table) == options.leave_out.end();
  });
  if (!any) return;
  generator_ = std::make_unique<RowGenerator>(input.before, ReadRows(session, subject.ledger().Tables()), options,
                                              TargetsFor(input, false));
}

void Reconnect(Session& session) {
  session.Execute(kForgetPlans);
  session.Execute(kForgetDrawn);
  session.Execute(kForgetCode);
}

Dataset PutIn(Session& session, const Subject& subject, const Catalog& catalog, const Dataset& rows) {
  // Of all revisions; what is assumed of a column that is not there yet is none of these rows' business.
  const std::vector<Assumption> assumed = ReadAssumptions(session, subject, 0, catalog).all;
  Reconnect(session);
  Transaction transaction(session);
  const InsertResult result = Insert(session, rows);
  TakeOut(session, assumed, {});
  std::string used;
  for (const std::string& statement : UseSequences(catalog, *result.inserted)) used += statement;
  if (!used.empty()) Tried(session, used);
  transaction.Commit();
  Reconnect(session);
  return *result.inserted;
}

std::vector<std::string> StatementsOf(const std::vector<const Section*>& sections) {
  std::vector<std::string> texts;
  for (const Section* section : sections) {
    const Script& script = section->AsSql().script;
    for (const Statement* statement : SqlStatements(script)) texts.emplace_back(script.Text(*statement));
    texts.insert(texts.end(), section->literals.begin(), section->literals.end());
  }
  return texts;
}

}  // namespace migproof
