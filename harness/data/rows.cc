#include "harness/data/rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>

#include "harness/data/definition_text.h"

namespace migproof {

namespace {

// Tables with at least one page; what initdb made (oid below 16384) is not the user's. A table whose rows were all
// deleted has pages and no rows: it is read and found empty.
constexpr const char* kTablesWithPages = R"sql(
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), a.names, a.numbers, c.oid
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL (SELECT coalesce(string_agg(quote_ident(a.attname), ', ' ORDER BY quote_ident(a.attname) COLLATE "C"), '')
                              AS names,
                            string_agg(a.attnum::text, ',' ORDER BY quote_ident(a.attname) COLLATE "C") AS numbers
                       FROM pg_catalog.pg_attribute a
                      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) a
 WHERE c.oid >= 16384 AND c.relkind = 'r' AND c.relpersistence <> 't'
   AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
   AND pg_catalog.pg_relation_size(c.oid) > 0
 ORDER BY 1)sql";

// What comes next where no value was taken is known to the sequence alone: ALTER SEQUENCE ... RESTART and setval(...,
// false) put it elsewhere than the start. LIMIT keeps the planner from reading all of pg_class for a few sequences.
constexpr const char* kSequences = R"sql(
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), taken.last,
       CASE WHEN taken.last IS NULL AND pg_catalog.has_sequence_privilege(s.seqrelid, 'SELECT')
            THEN substring(pg_catalog.query_to_xml('SELECT last_value AS v FROM ' || quote_ident(n.nspname) || '.' ||
                             quote_ident(c.relname), false, false, '')::text FROM '<v>(-?[0-9]+)</v>')::bigint
            ELSE s.seqstart
        END, s.seqincrement, s.seqrelid
  FROM pg_catalog.pg_sequence s
 CROSS JOIN LATERAL (SELECT pg_catalog.pg_sequence_last_value(s.seqrelid) AS last OFFSET 0) taken
 CROSS JOIN LATERAL (SELECT k.relname, k.relnamespace, k.relpersistence
                       FROM pg_catalog.pg_class k WHERE k.oid = s.seqrelid LIMIT 1) c
 CROSS JOIN LATERAL (SELECT k.nspname FROM pg_catalog.pg_namespace k WHERE k.oid = c.relnamespace LIMIT 1) n
 WHERE s.seqrelid >= 16384 AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
 ORDER BY 1)sql";

// What stands behind FROM ONLY.
std::string FromOf(const TableRead& read) {
  return read.where.empty() ? read.table : fmt::format("{} WHERE {}", read.table, read.where);
}

TableRows Take(Session& session, const Rows& rows, const TableRead& asked) {
  TableRows read;
  read.columns = asked.names.empty() ? SplitAtCommas(asked.columns) : asked.names;
  read.oid = asked.oid;
  read.numbers = asked.numbers;
  read.count = rows.size();
  if (rows.size() > kMaximumRows) {
    const Rows sum =
        session.Query(fmt::format("SELECT count(*), sum(pg_catalog.hashtextextended(ROW({})::text, 0)) FROM ONLY {}",
                                  asked.columns, FromOf(asked)));
    read.count = sum.GetInt(0, 0);
    read.checksum = std::string(sum.Get(0, 1));
    return read;
  }
  read.rows.reserve(static_cast<std::size_t>(rows.size()));
  for (int row = 0; row < rows.size(); ++row) {
    read.rows.push_back(CellsOf(rows, row));
  }
  std::sort(read.rows.begin(), read.rows.end());
  return read;
}

SequenceState TakeSequence(const Rows& rows, int row) {
  SequenceState state;
  state.is_called = !rows.IsNull(row, 1);
  state.last_value = rows.GetInt(row, state.is_called ? 1 : 2);
  state.increment = rows.GetInt(row, 3);
  return state;
}

// The columns that two tables share, as pairs of positions.
struct SharedColumn {
  std::string name;
  std::size_t was;
  std::size_t is;
  bool unstable;
};

std::vector<SharedColumn> Shared(const std::string& table, const TableRows& was, const TableRows& is,
                                 const CompareRowsOptions& options) {
  std::vector<SharedColumn> shared;
  for (std::size_t i = 0; i < was.columns.size(); ++i) {
    const auto found = std::find(is.columns.begin(), is.columns.end(), was.columns[i]);
    const std::string column = table + "." + was.columns[i];
    if (found == is.columns.end() || options.leave_out.contains(column)) continue;
    shared.push_back(
        {was.columns[i], i, static_cast<std::size_t>(found - is.columns.begin()), options.unstable.contains(column)});
  }
  return shared;
}

std::string Show(const Cell& cell) {
  if (!cell) return "NULL";
  constexpr std::size_t kShown = 60;
  if (cell->size() <= kShown) return *cell;
  std::size_t end = kShown;
  while ((static_cast<unsigned char>((*cell)[end]) & 0xC0U) == 0x80U) --end;  // never within a character
  return fmt::format("{}... ({} bytes)", cell->substr(0, end), cell->size());
}

// Stands for any value but NULL in a column that is another one in each execution.
constexpr const char* kUnstable = "(another each time)";

std::string Quoted(const Cell& cell) {
  if (cell == kUnstable) return "not NULL";
  return cell ? "'" + Show(cell) + "'" : "NULL";
}

std::string ShowRow(const std::vector<std::string>& names, const std::vector<Cell>& cells) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += fmt::format("{}{}={}", i == 0 ? "" : ", ", names[i], Show(cells[i]));
  }
  return text;
}

using Projected = std::vector<std::vector<Cell>>;

Projected Project(const TableRows& table, const std::vector<SharedColumn>& shared, bool was) {
  Projected rows;
  rows.reserve(table.rows.size());
  for (const auto& row : table.rows) {
    std::vector<Cell> cells;
    cells.reserve(shared.size());
    for (const SharedColumn& column : shared) {
      const Cell& cell = row[was ? column.was : column.is];
      cells.push_back(column.unstable && cell ? Cell(kUnstable) : cell);
    }
    rows.push_back(std::move(cells));
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::size_t Differing(const std::vector<Cell>& a, const std::vector<Cell>& b) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) count += a[i] == b[i] ? 0 : 1;
  return count;
}

// Which row of `fresh` each row of `gone` has become, most alike first; fresh.size() where none has anything in common
// with it.
std::vector<std::size_t> Pair(const Projected& gone, const Projected& fresh) {
  constexpr std::size_t kMostCompared = 10'000;
  std::vector<std::size_t> partner(gone.size(), fresh.size());
  if (gone.size() * fresh.size() > kMostCompared) return partner;
  std::vector<std::tuple<std::size_t, std::size_t, std::size_t>> candidates;
  for (std::size_t i = 0; i < gone.size(); ++i) {
    for (std::size_t j = 0; j < fresh.size(); ++j) {
      const std::size_t differing = Differing(gone[i], fresh[j]);
      if (differing < gone[i].size()) candidates.emplace_back(differing, i, j);
    }
  }
  std::sort(candidates.begin(), candidates.end());
  std::set<std::size_t> taken;
  for (const auto& [differing, i, j] : candidates) {
    if (partner[i] == fresh.size() && taken.insert(j).second) partner[i] = j;
  }
  return partner;
}

// "id=1": a column that stayed, and that tells the row from all others where one does.
std::string Identity(const std::vector<std::string>& names, const std::vector<Cell>& was, const std::vector<Cell>& is,
                     const Projected& all) {
  std::string any;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (was[i] != is[i] || !was[i] || was[i] == kUnstable) continue;
    const std::string shown = fmt::format("{}={}", names[i], Show(was[i]));
    const auto same = std::count_if(all.begin(), all.end(), [&](const auto& row) { return row[i] == was[i]; });
    if (same == 1) return shown;
    if (any.empty()) any = shown;
  }
  return any;
}

std::string ChangedRow(const std::vector<std::string>& names, const std::vector<Cell>& was, const std::vector<Cell>& is,
                       const Projected& all) {
  std::string text = Identity(names, was, is, all);
  if (!text.empty()) text += ": ";
  bool first = true;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (was[i] == is[i]) continue;
    text += fmt::format("{}{} was {}, is {}", first ? "" : "; ", names[i], Quoted(was[i]), Quoted(is[i]));
    first = false;
  }
  return text;
}

struct TableDifference {
  std::vector<std::string> lines;
  std::set<std::string> lost;
};

// Tables too large to be kept row by row.
TableDifference CompareLarge(const std::string& name, const TableRows& was, const TableRows& is) {
  if (was.count != is.count) return {{fmt::format("~ {}: {} rows, now {}", name, was.count, is.count)}, {name}};
  if (was.columns != is.columns) return {};
  return {{fmt::format("~ {}: {} rows, other values", name, was.count)}, {name}};
}

TableDifference CompareProjected(const std::string& name, const std::vector<std::string>& names,
                                 const Projected& before, const Projected& after) {
  Projected gone;
  Projected fresh;
  std::set_difference(before.begin(), before.end(), after.begin(), after.end(), std::back_inserter(gone));
  std::set_difference(after.begin(), after.end(), before.begin(), before.end(), std::back_inserter(fresh));
  TableDifference difference;
  const std::vector<std::size_t> partner = Pair(gone, fresh);
  for (std::size_t i = 0; i < gone.size(); ++i) {
    if (partner[i] == fresh.size()) {
      difference.lines.push_back(fmt::format("- {}: {}", name, ShowRow(names, gone[i])));
      difference.lost.insert(name);
      continue;
    }
    const std::vector<Cell>& now = fresh[partner[i]];
    difference.lines.push_back(fmt::format("~ {}: {}", name, ChangedRow(names, gone[i], now, before)));
    for (std::size_t column = 0; column < names.size(); ++column) {
      if (gone[i][column] != now[column]) difference.lost.insert(name + "." + names[column]);
    }
  }
  for (std::size_t j = 0; j < fresh.size(); ++j) {
    const bool paired = std::find(partner.begin(), partner.end(), j) != partner.end();
    if (!paired) difference.lines.push_back(fmt::format("+ {}: {}", name, ShowRow(names, fresh[j])));
  }
  return difference;
}

TableDifference CompareTable(const std::string& name, const TableRows& was, const TableRows& is,
                             const CompareRowsOptions& options) {
  if (&was == &is || was == is) return {};
  if (!was.checksum.empty() || !is.checksum.empty()) return CompareLarge(name, was, is);
  if (was.columns.empty())
    return CompareProjected(name, is.columns, {}, is.rows);  // no rows: its columns are not known
  if (is.columns.empty()) return CompareProjected(name, was.columns, was.rows, {});
  const auto shared = Shared(name, was, is, options);
  std::vector<std::string> names;
  for (const SharedColumn& column : shared) names.push_back(column.name);
  return CompareProjected(name, names, Project(was, shared, true), Project(is, shared, false));
}

std::vector<Cell> ColumnValues(const TableRows& table, std::size_t column) {
  std::vector<Cell> values;
  values.reserve(table.rows.size());
  for (const auto& row : table.rows) values.push_back(row[column]);
  std::sort(values.begin(), values.end());
  return values;
}

bool IsVolatile(const std::string& expression) {
  static constexpr const char* kVolatile[] = {"nextval(",
                                              "now()",
                                              "CURRENT_",
                                              "LOCALTIME",
                                              "clock_timestamp(",
                                              "random(",
                                              "gen_random_uuid(",
                                              "uuid_generate_",
                                              "statement_timestamp(",
                                              "transaction_timestamp(",
                                              "timeofday(",
                                              "uuidv7(",
                                              "uuidv4("};
  return std::any_of(std::begin(kVolatile), std::end(kVolatile),
                     [&](const char* word) { return expression.find(word) != std::string::npos; });
}

}  // namespace

std::int64_t RowSnapshot::Count() const {
  std::int64_t count = 0;
  for (const auto& [name, table] : tables) count += table.count();
  return count;
}

std::vector<Cell> CellsOf(const Rows& rows, int row) {
  std::vector<Cell> cells;
  cells.reserve(static_cast<std::size_t>(rows.columns()));
  for (int column = 0; column < rows.columns(); ++column) cells.push_back(rows.GetOptional(row, column));
  return cells;
}

std::vector<TableRows> ReadTables(Session& session, const std::vector<TableRead>& reads) {
  std::vector<Session::Prepared> queries;
  for (const TableRead& read : reads) {
    queries.push_back({read.prepared_as,
                       fmt::format("SELECT {} FROM ONLY {} LIMIT {}", read.columns, FromOf(read), kMaximumRows + 1),
                       {}});
  }
  std::vector<TableRows> tables;
  if (queries.empty()) return tables;
  const std::vector<Rows> results = session.QueryAll(queries);
  for (std::size_t i = 0; i < results.size(); ++i) {
    tables.push_back(Take(session, results[i], reads[i]));
  }
  return tables;
}

Session::Prepared SequencesQuery() { return {"migproof_sequences", kSequences, {}}; }

std::map<std::string, SequenceState> TakeSequences(const Rows& rows) {
  std::map<std::string, SequenceState> sequences;
  for (int i = 0; i < rows.size(); ++i) sequences.emplace(rows.Get(i, 0), TakeSequence(rows, i));
  return sequences;
}

RowSnapshot ReadRows(Session& session, const std::vector<std::string>& leave_out) {
  RowSnapshot snapshot;
  const auto read = session.QueryAll({{"migproof_tables_with_pages", kTablesWithPages, {}}, SequencesQuery()});
  const auto left_out = [&](std::string_view name) {
    return std::find(leave_out.begin(), leave_out.end(), name) != leave_out.end();
  };
  std::vector<TableRead> wanted;
  for (int i = 0; i < read[0].size(); ++i) {
    if (left_out(read[0].Get(i, 0)) || read[0].Get(i, 1).empty()) continue;
    wanted.push_back({.table = std::string(read[0].Get(i, 0)),
                      .columns = std::string(read[0].Get(i, 1)),
                      .oid = std::string(read[0].Get(i, 3)),
                      .numbers = SplitAtCommas(std::string(read[0].Get(i, 2)))});
  }
  std::vector<TableRows> tables = ReadTables(session, wanted);
  for (std::size_t i = 0; i < tables.size(); ++i) {
    if (tables[i].count > 0) snapshot.tables.emplace(wanted[i].table, std::move(tables[i]));
  }
  snapshot.sequences = TakeSequences(read[1]);
  return snapshot;
}

UnstableColumns VolatileDefaults(const Catalog& catalog) {
  UnstableColumns columns;
  for (const auto& [key, object] : catalog.objects()) {
    if (key.kind != "column") continue;
    const auto value = object.attributes.find("default");
    const bool is_volatile = value != object.attributes.end() && IsVolatile(value->second);
    if (is_volatile || object.attributes.contains("identity")) columns.insert(key.name);
  }
  return columns;
}

UnstableColumns UnstableBetween(const RowSnapshot& once, const RowSnapshot& again) {
  UnstableColumns unstable;
  for (const auto& [name, first] : once.tables) {
    const auto found = again.tables.find(name);
    if (found == again.tables.end() || (first.IsUnread() && found->second.IsUnread())) continue;
    if (found->second == first || found->second->columns != first->columns) continue;
    for (std::size_t column = 0; column < first->columns.size(); ++column) {
      if (ColumnValues(first, column) != ColumnValues(found->second, column)) {
        unstable.insert(name + "." + first->columns[column]);
      }
    }
  }
  return unstable;
}

std::set<std::string> RenamedColumns(const RowSnapshot& was, const RowSnapshot& is) {
  std::set<std::string> renamed;
  for (const auto& [name, before] : was.tables) {
    const auto found = is.tables.find(name);
    if (found == is.tables.end() || found->second.IsSame(before)) continue;
    if (before->oid.empty() || found->second->oid != before->oid) continue;
    const TableRows& after = *found->second;
    for (std::size_t i = 0; i < before->numbers.size(); ++i) {
      const auto at = std::find(after.numbers.begin(), after.numbers.end(), before->numbers[i]);
      if (at == after.numbers.end()) continue;
      const std::string& now = after.columns[static_cast<std::size_t>(at - after.numbers.begin())];
      if (now != before->columns[i]) renamed.insert(name + "." + before->columns[i]);
    }
  }
  return renamed;
}

namespace {

// In which rows each value of the column stands, told by the others; without the values, sorted.
std::vector<Projected> RowsByValue(const TableRows& table, const std::string& column,
                                   const std::vector<std::string>& others) {
  const auto position = [&](const std::string& name) {
    return static_cast<std::size_t>(std::find(table.columns.begin(), table.columns.end(), name) -
                                    table.columns.begin());
  };
  std::vector<std::size_t> telling;
  for (const std::string& other : others) telling.push_back(position(other));
  std::map<Cell, Projected> by_value;
  for (const auto& row : table.rows) {
    std::vector<Cell> place;
    for (const std::size_t at : telling) place.push_back(row.at(at));
    by_value[row.at(position(column))].push_back(std::move(place));
  }
  std::vector<Projected> places;
  for (auto& [value, rows] : by_value) {
    std::sort(rows.begin(), rows.end());
    places.push_back(std::move(rows));
  }
  std::sort(places.begin(), places.end());
  return places;
}

}  // namespace

bool IsTranslated(const TableRows& was, const TableRows& is, const std::string& column,
                  const std::vector<std::string>& others) {
  if (!was.checksum.empty() || !is.checksum.empty() || was.count != is.count) return false;
  return RowsByValue(was, column, others) == RowsByValue(is, column, others);
}

std::vector<std::string> CompareRows(const RowSnapshot& was, const RowSnapshot& is, const CompareRowsOptions& options,
                                     std::set<std::string>* lost) {
  std::set<std::string> names = options.tables;
  if (names.empty()) {
    for (const auto& [name, unused] : was.tables) names.insert(name);
    for (const auto& [name, unused] : is.tables) names.insert(name);
  }
  static const SharedRows kNoRows;
  const auto find = [](const RowSnapshot& snapshot, const std::string& name) -> const SharedRows& {
    const auto found = snapshot.tables.find(name);
    return found == snapshot.tables.end() ? kNoRows : found->second;
  };
  std::vector<std::string> lines;
  for (const std::string& name : names) {
    if (find(was, name).IsSame(find(is, name))) continue;
    TableDifference difference = CompareTable(name, find(was, name), find(is, name), options);
    std::move(difference.lines.begin(), difference.lines.end(), std::back_inserter(lines));
    if (lost != nullptr) lost->merge(difference.lost);
  }
  if (lines.size() > options.maximum_lines) {
    const std::size_t more = lines.size() - options.maximum_lines;
    lines.resize(options.maximum_lines);
    lines.push_back(fmt::format("... and {} more", more));
  }
  return lines;
}

std::map<std::string, std::string> CompareSequences(const RowSnapshot& was, const RowSnapshot& is) {
  std::map<std::string, std::string> lines;
  for (const auto& [name, before] : was.sequences) {
    const auto found = is.sequences.find(name);
    if (found == is.sequences.end() || !before.is_called) continue;
    const SequenceState& after = found->second;
    const std::int64_t ahead =
        before.increment > 0 ? after.last_value - before.last_value : before.last_value - after.last_value;
    if (after.is_called ? ahead >= 0 : ahead > 0) continue;
    lines[name] = fmt::format("~ sequence {}: last value was {}, {} {}", name, before.last_value,
                              after.is_called ? "is" : "the next one is", after.last_value);
  }
  return lines;
}

}  // namespace migproof
