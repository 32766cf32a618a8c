#include <fmt/format.h>

#include "harness/catalog/catalog_tables.h"
#include "harness/catalog/read.h"
#include "harness/catalog/read_scope.h"
#include "harness/catalog/text_array.h"

namespace migproof {

std::string TextArray(const std::vector<std::string>& texts) {
  std::string array = "{";
  for (const std::string& text : texts) {
    if (array.size() > 1) array += ',';
    array += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') array += '\\';
      array += c;
    }
    array += '"';
  }
  return array + "}";
}

std::map<std::string, SequenceValue> ReadSequences(Session& session, const ReadOptions& options) {
  const ReadScope scope(session);
  const Rows relations = session.Query(RelationsSql(), {TextArray(options.leave_out_tables)});
  std::string sql;
  for (int i = 0; i < relations.size(); ++i) {
    if (relations.Get(i, 1) != "S") continue;
    const std::string name(relations.Get(i, 2));
    sql += fmt::format("{}SELECT {}, last_value, is_called FROM {}", sql.empty() ? "" : " UNION ALL ",
                       session.QuoteLiteral(name), name);
  }
  std::map<std::string, SequenceValue> values;
  if (sql.empty()) return values;
  const Rows rows = session.Query(sql);
  for (int i = 0; i < rows.size(); ++i) {
    values.emplace(rows.Get(i, 0), SequenceValue{rows.GetInt(i, 1), rows.GetBool(i, 2)});
  }
  return values;
}

}  // namespace migproof
