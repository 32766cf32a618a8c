#include "harness/verify/take_out.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <set>
#include <vector>

#include "harness/catalog/text_array.h"

namespace migproof {

namespace {

// Where rows are (ctid), by the table that holds them.
using TakenRows = std::map<std::string, std::set<std::string>>;

// A key that refers to a table of `reached`: the tables, and what joins the one (c) to the other (p).
constexpr const char* kForeignKeys = R"sql(
SELECT k.conrelid::pg_catalog.regclass, k.confrelid::pg_catalog.regclass,
       (SELECT pg_catalog.string_agg(pg_catalog.format('c.%I = p.%I', c.attname, p.attname), ' AND ')
          FROM ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey)) AS n (referring, referred)
          JOIN pg_catalog.pg_attribute AS c ON c.attrelid = k.conrelid AND c.attnum = n.referring
          JOIN pg_catalog.pg_attribute AS p ON p.attrelid = k.confrelid AND p.attnum = n.referred)
  FROM pg_catalog.pg_constraint AS k
 WHERE k.contype = 'f' AND k.conparentid = 0
 ORDER BY k.oid)sql";

struct ForeignKey {
  std::string referring;
  std::string referred;
  std::string joined;
};

std::vector<ForeignKey> ForeignKeys(Session& session) {
  const Rows rows = session.Query(kForeignKeys);
  std::vector<ForeignKey> keys;
  for (int i = 0; i < rows.size(); ++i) {
    keys.push_back({std::string(rows.Get(i, 0)), std::string(rows.Get(i, 1)), std::string(rows.Get(i, 2))});
  }
  return keys;
}

// Whether there was one that was not there before.
bool Add(const Rows& rows, TakenRows& taken) {
  bool any = false;
  for (int i = 0; i < rows.size(); ++i) {
    any = taken[std::string(rows.Get(i, 0))].emplace(rows.Get(i, 1)).second || any;
  }
  return any;
}

Rows Referring(Session& session, const ForeignKey& key, const TakenRows& taken) {
  std::vector<std::string> tables;
  std::vector<std::string> rows;
  for (const auto& [table, ctids] : taken) {
    tables.insert(tables.end(), ctids.size(), table);
    rows.insert(rows.end(), ctids.begin(), ctids.end());
  }
  return session.Query(
      fmt::format("SELECT c.tableoid::pg_catalog.regclass, c.ctid FROM {} AS c JOIN {} AS p ON {} "
                  "WHERE (p.tableoid, p.ctid) IN (SELECT d.at::pg_catalog.regclass, d.place::pg_catalog.tid "
                  "FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) AS d (at, place))",
                  key.referring, key.referred, key.joined),
      {TextArray(tables), TextArray(rows)});
}

}  // namespace

std::int64_t TakeOutRows(Session& session, const std::string& table, const std::string& condition) {
  TakenRows taken;
  const Rows first =
      session.Execute(fmt::format("SELECT tableoid::pg_catalog.regclass, ctid FROM {} WHERE {}", table, condition));
  if (!Add(first, taken)) return 0;
  const std::vector<ForeignKey> keys = ForeignKeys(session);
  for (bool more = true; more;) {
    more = false;
    for (const ForeignKey& key : keys) more = Add(Referring(session, key, taken), taken) || more;
  }
  std::vector<std::string> deletions;
  for (const auto& [at, ctids] : taken) {
    deletions.push_back(fmt::format("d{} AS (DELETE FROM ONLY {} WHERE ctid = ANY ('{{\"{}\"}}'::pg_catalog.tid[]))",
                                    deletions.size(), at, fmt::join(ctids, "\",\"")));
  }
  session.Execute(fmt::format("WITH {} SELECT 1", fmt::join(deletions, ", ")));
  return first.size();
}

}  // namespace migproof
