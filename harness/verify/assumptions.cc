#include "harness/verify/assumptions.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/catalog/drift.h"
#include "harness/data/aim.h"
#include "harness/data/aim_tools.h"
#include "harness/verify/take_out.h"
#include "harness/verify/trial.h"

namespace migproof {

namespace {

constexpr std::string_view kBetween = ": ";

std::string ConditionOf(const Declaration& declaration) {
  const std::size_t colon = declaration.object.find(kBetween);
  return colon == std::string::npos ? "" : declaration.object.substr(colon + kBetween.size());
}

// The condition as a CHECK in the server's own words; an Error where the table has not (yet, or any more) what it is
// about, or it is nothing that a CHECK may hold.
std::string AsCheck(Session& session, const std::string& table, const std::string& condition) {
  const Transaction transaction(session);
  session.Execute(
      fmt::format("ALTER TABLE {} ADD CONSTRAINT migproof_assumption CHECK ({}) NOT VALID", table, condition));
  const Rows rows =
      session.Query("SELECT pg_catalog.pg_get_constraintdef(oid) FROM pg_catalog.pg_constraint WHERE conname = $1",
                    {"migproof_assumption"});
  std::string definition(rows.Get(0, 0));
  const std::size_t not_valid = definition.rfind(" NOT VALID");
  return not_valid == std::string::npos ? definition : definition.substr(0, not_valid);
}

std::set<std::string> TablesAssumed(const std::vector<Assumption>& assumptions) {
  std::set<std::string> tables;
  for (const Assumption& assumption : assumptions) tables.insert(assumption.table);
  return tables;
}

// The table, its partitions and whatever else inherits from it.
std::vector<std::string> WithHeirs(const Catalog& catalog, const std::string& table) {
  std::vector<std::string> tables;
  for (const std::string& name : catalog.Names("table")) {
    for (std::string up = name; !up.empty(); up = catalog.Attribute("table", up, "inherits")) {
      if (up == table) tables.push_back(name);
    }
  }
  return tables;
}

std::string ColumnsInOrder(Session& session, const std::string& table) {
  const Rows rows = session.Query(
      "SELECT coalesce(string_agg(quote_ident(attname), ', ' ORDER BY quote_ident(attname) COLLATE \"C\"), '') "
      "FROM pg_catalog.pg_attribute WHERE attrelid = $1::pg_catalog.regclass AND attnum > 0 AND NOT attisdropped",
      {table});
  return std::string(rows.Get(0, 0));
}

TableRows WithoutColumns(const std::string& table, const TableRows& rows, const std::set<std::string>& leave_out) {
  TableRows less;
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < rows.columns.size(); ++i) {
    if (leave_out.contains(fmt::format("{}.{}", table, rows.columns[i]))) continue;
    kept.push_back(i);
    less.columns.push_back(rows.columns[i]);
  }
  for (const auto& row : rows.rows) {
    std::vector<Cell>& cells = less.rows.emplace_back();
    for (const std::size_t column : kept) cells.push_back(row[column]);
  }
  std::sort(less.rows.begin(), less.rows.end());
  less.count = rows.count;
  less.checksum = rows.checksum;
  return less;
}

std::vector<Cell> CellsOf(const TableRows& table, const std::vector<Cell>& row,
                          const std::vector<std::string>& columns) {
  std::vector<Cell> cells;
  for (const std::string& column : columns) {
    const auto at = std::find(table.columns.begin(), table.columns.end(), column);
    cells.push_back(row[static_cast<std::size_t>(at - table.columns.begin())]);
  }
  return cells;
}

// `all` less one row for each row of `less` that agrees with it in `columns`, which both have.
TableRows Less(const TableRows& all, const TableRows& less, const std::vector<std::string>& columns) {
  std::multiset<std::vector<Cell>> gone;
  for (const auto& row : less.rows) gone.insert(CellsOf(less, row, columns));
  TableRows rest;
  rest.columns = all.columns;
  for (const auto& row : all.rows) {
    const auto found = gone.find(CellsOf(all, row, columns));
    if (found == gone.end()) {
      rest.rows.push_back(row);
    } else {
      gone.erase(found);
    }
  }
  rest.count = static_cast<std::int64_t>(rest.rows.size());
  return rest;
}

void Append(Targets& all, const Targets& more) {
  for (const auto& [table, targets] : more.tables) {
    auto& here = all.tables[table];
    here.rows.insert(here.rows.end(), targets.rows.begin(), targets.rows.end());
    here.agree.insert(here.agree.end(), targets.agree.begin(), targets.agree.end());
    here.twins.insert(here.twins.end(), targets.twins.begin(), targets.twins.end());
    here.orphans.insert(here.orphans.end(), targets.orphans.begin(), targets.orphans.end());
    here.nulls.insert(targets.nulls.begin(), targets.nulls.end());
  }
}

}  // namespace

std::string AssumedTable(const Declaration& declaration) {
  return declaration.object.substr(0, declaration.object.find(kBetween));
}

AssumptionsHere ReadAssumptions(Session& session, const Subject& subject, std::size_t index, const Catalog& before) {
  AssumptionsHere here;
  for (std::size_t i = index; i < subject.order().size(); ++i) {
    for (const Declaration& declaration : subject.order()[i]->declarations) {
      if (declaration.kind != "assumes") continue;
      std::string why = fmt::format("there is no table '{}'", AssumedTable(declaration));
      const std::string table = TableNamed(before, AssumedTable(declaration));
      const std::string condition = ConditionOf(declaration);
      if (!table.empty() && !condition.empty()) {
        try {
          here.all.push_back({table, condition, &declaration, AsCheck(session, table, condition)});
          continue;
        } catch (const Error& refusal) {
          if (!refusal.sql() || refusal.sql()->IsEnvironmental()) throw;
          why = refusal.message();
        }
      }
      if (i == index) here.impossible[&declaration] = why;
    }
  }
  return here;
}

std::vector<Assumption> OwnAssumptions(const Revision& revision, const std::vector<Assumption>& all) {
  std::vector<Assumption> own;
  std::copy_if(all.begin(), all.end(), std::back_inserter(own), [&](const Assumption& assumption) {
    return std::any_of(revision.declarations.begin(), revision.declarations.end(),
                       [&](const Declaration& declaration) { return &declaration == assumption.declaration; });
  });
  return own;
}

Catalog WithAssumptions(const Catalog& catalog, const std::vector<Assumption>& assumptions) {
  Catalog assumed = catalog;
  int number = 0;
  for (const Assumption& assumption : assumptions) {
    const std::string name = fmt::format("migproof_assumption_{} on {}", ++number, assumption.table);
    assumed.objects()[{"check constraint", name}] = {assumption.table, {{"definition", assumption.definition}}};
  }
  return assumed;
}

std::int64_t TakeOut(Session& session, const std::vector<Assumption>& assumptions,
                     const std::vector<Assumption>& allowed) {
  std::int64_t count = 0;
  for (const Assumption& assumption : assumptions) {
    std::string where = fmt::format("({}) IS FALSE", assumption.condition);
    bool stays = false;
    for (const Assumption& other : allowed) {
      stays = stays || other.declaration == assumption.declaration;
      if (other.table == assumption.table) where += fmt::format(" AND ({}) IS NOT FALSE", other.condition);
    }
    if (stays) continue;
    count += TakeOutRows(session, assumption.table, where);
  }
  return count;
}

ForbiddenRows FindForbidden(Session& session, const Catalog& catalog, const std::vector<Assumption>& own) {
  ForbiddenRows forbidden;
  std::map<std::string, std::string> where;  // by table
  for (const Assumption& assumption : own) {
    const std::string breaks = fmt::format("({}) IS FALSE", assumption.condition);
    std::string& condition = where[assumption.table];
    condition += fmt::format("{}{}", condition.empty() ? "" : " OR ", breaks);
    const Rows any =
        session.Execute(fmt::format("SELECT EXISTS (SELECT FROM {} WHERE {})::int", assumption.table, breaks));
    if (any.GetInt(0, 0) != 0) forbidden.broken.insert(assumption.declaration);
  }
  for (const auto& [table, condition] : where) {
    for (const std::string& name : WithHeirs(catalog, table)) {
      TableRows rows = ReadTables(session, {{name, ColumnsInOrder(session, name), "", condition}}).front();
      if (rows.count > 0) forbidden.rows.tables.emplace(name, std::move(rows));
    }
  }
  return forbidden;
}

std::set<std::string> AssumedTables(const Revision& revision, const Catalog& catalog) {
  std::set<std::string> tables;
  for (const Declaration& declaration : revision.declarations) {
    if (declaration.kind != "assumes") continue;
    const std::string table = TableNamed(catalog, AssumedTable(declaration));
    if (table.empty()) continue;
    for (const std::string& heir : WithHeirs(catalog, table)) tables.insert(heir);
  }
  return tables;
}

RowSnapshot OnlyForbidden(const ForbiddenRows& forbidden, const std::set<std::string>& leave_out) {
  RowSnapshot only;
  for (const auto& [name, rows] : forbidden.rows.tables) {
    if (!leave_out.contains(name)) only.tables.emplace(name, WithoutColumns(name, rows, leave_out));
  }
  return only;
}

RowSnapshot LessOtherRows(const RowSnapshot& was, const RowSnapshot& is, const ForbiddenRows& forbidden,
                          const std::set<std::string>& leave_out, const std::set<std::string>& uncompared) {
  RowSnapshot less;
  for (const auto& [name, rows] : forbidden.rows.tables) {
    const auto now = is.tables.find(name);
    if (leave_out.contains(name) || now == is.tables.end()) continue;
    const TableRows here = WithoutColumns(name, now->second, leave_out);
    // The others: of all rows that were there those that are not forbidden.
    TableRows others = Less(was.tables.at(name), rows, was.tables.at(name)->columns);
    others = WithoutColumns(name, others, leave_out);
    std::vector<std::string> shared;
    for (const std::string& column : others.columns) {
      const bool both = std::find(here.columns.begin(), here.columns.end(), column) != here.columns.end();
      if (both && !uncompared.contains(fmt::format("{}.{}", name, column))) shared.push_back(column);
    }
    less.tables.emplace(name, Less(here, others, shared));
  }
  return less;
}

ForbiddenDraws::ForbiddenDraws(const Catalog& catalog, const RowSnapshot& before, const std::vector<Assumption>& own,
                               const std::vector<Assumption>& all, RowGeneratorOptions options,
                               const Targets& targets) {
  const std::set<std::string> tables = TablesAssumed(own);
  std::vector<Assumption> kept;
  std::copy_if(all.begin(), all.end(), std::back_inserter(kept),
               [&](const Assumption& assumption) { return !tables.contains(assumption.table); });
  // What a new CHECK of these words would be aimed at with.
  const Catalog checked = WithAssumptions(catalog, own);
  const std::vector<Difference> drift = Compare(catalog, checked).differences;
  std::vector<std::string> conditions;
  for (const Assumption& assumption : own) {
    conditions.push_back(fmt::format("ALTER TABLE {} ADD {}", assumption.table, assumption.definition));
    rules_.push_back(
        {assumption.table, CheckSolver({assumption.definition}), CheckColumnsOf(catalog, assumption.table)});
  }
  Targets aimed = TargetsFor({catalog, checked, drift, conditions}, false);
  Append(aimed, targets);
  options.focus.insert(tables.begin(), tables.end());
  for (const std::string& table : options.leave_out) options.focus.erase(table);
  generator_ = std::make_unique<RowGenerator>(WithAssumptions(catalog, kept), before, std::move(options), aimed);
}

Dataset ForbiddenDraws::Draw(const Random& random) const {
  constexpr int kDraws = 12;
  Dataset rows;
  for (int draw = 0; draw < kDraws; ++draw) {
    Random own = random.Split(std::to_string(draw));
    rows = generator_->Draw(own);
    if (Breaks(rows)) break;
  }
  rows.forbidden = true;
  return rows;
}

bool ForbiddenDraws::Breaks(const Dataset& rows) const {
  return std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) {
    return std::any_of(rows.tables.begin(), rows.tables.end(), [&](const DatasetTable& table) {
      if (table.table != rule.table) return false;
      return std::any_of(table.rows.begin(), table.rows.end(), [&](const std::vector<Cell>& cells) {
        CheckRow row;
        for (std::size_t i = 0; i < cells.size(); ++i) row.emplace(table.columns[i], cells[i]);
        return rule.solver.Judge(rule.columns, row) == CheckVerdict::kFails;
      });
    });
  });
}

}  // namespace migproof
