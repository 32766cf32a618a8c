#include "harness/data/read_cast.h"

#include <fmt/format.h>

namespace migproof {

std::shared_ptr<const TableRows> ReadCast(Session& session, const RowSnapshot& now, const std::string& table,
                                          const std::map<std::string, std::string>& casts) {
  const auto found = now.tables.find(table);
  if (found == now.tables.end()) return std::make_shared<const TableRows>();
  std::string columns;
  for (const std::string& column : found->second->columns) {
    const auto cast = casts.find(column);
    columns += fmt::format("{}{}{}", columns.empty() ? "" : ", ", column,
                           cast == casts.end() ? "" : fmt::format("::{} AS {}", cast->second, column));
  }
  const bool inside = session.transaction_state() == TransactionState::kOpen;
  if (inside) session.Execute("SAVEPOINT migproof_cast");
  std::shared_ptr<const TableRows> read;
  try {
    read = std::make_shared<const TableRows>(ReadTables(session, {{.table = table,
                                                                   .columns = columns,
                                                                   .names = found->second->columns,
                                                                   .oid = found->second->oid,
                                                                   .numbers = found->second->numbers}})
                                                 .front());
  } catch (const Error& refusal) {
    if (!refusal.sql() || refusal.sql()->IsEnvironmental()) throw;
    if (inside) session.Execute("ROLLBACK TO migproof_cast");
  }
  if (inside) session.Execute("RELEASE migproof_cast");
  return read;
}

}  // namespace migproof
