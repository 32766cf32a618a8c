#include "harness/data/kept_inserts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

namespace migproof {

namespace {

constexpr const char* kPrefix = "migproof_insert_";
// Every change to a table makes the server look through all that is kept, so there are few: a form has room for more
// rows than one.
constexpr std::size_t kMostForms = 1000;
constexpr std::array<std::size_t, 2> kRooms = {4, 8};  // of larger ones few would be alike
constexpr std::array<const char*, 9> kNumbers = {"0", "1", "2", "3", "4", "5", "6", "7", "8"};
constexpr const char* kBigint = "20";

}  // namespace

void KeptInserts::Begin(Types types) {
  types_ = std::move(types);
  forms_.clear();
  domains_.clear();
  session_.Deallocate(kPrefix);
  const Rows domains = session_.Execute("SELECT oid FROM pg_catalog.pg_type WHERE typtype = 'd'");
  for (int i = 0; i < domains.size(); ++i) domains_.emplace(domains.Get(i, 0));
  const std::string mode(session_.Execute("SELECT pg_catalog.current_setting('plan_cache_mode')").Get(0, 0));
  const auto set = [](const std::string& value) {
    return Session::Prepared{"migproof_plan_" + value, "SET LOCAL plan_cache_mode = " + value, {}};
  };
  before_ = set("force_generic_plan");
  after_ = set(mode);
}

std::optional<Session::Call> KeptInserts::For(const DatasetTable& table, const std::string& returning) {
  const auto room = std::ranges::find_if(kRooms, [&](std::size_t rows) { return table.rows.size() <= rows; });
  if (room == kRooms.end() || table.rows.empty() || table.columns.empty() || !types_.contains(table.table)) {
    return std::nullopt;
  }
  key_.assign(table.table).append(" ").append(kNumbers.at(*room)).append(" ").append(returning);
  for (const std::string& column : table.columns) key_.append(" ").append(column);
  auto at = forms_.find(key_);
  if (at == forms_.end()) {
    if (forms_.size() < kMostForms) forms_[key_].room = *room;
    return std::nullopt;
  }
  Form& form = at->second;
  if (form.statement.name.empty()) {
    Keep(form, table, returning);
    form.statement.name = fmt::format("{}{}", kPrefix, ++kept_);
  }
  Session::Call insert{&form.statement, {kNumbers.at(table.rows.size())}};
  insert.parameters.reserve(form.statement.types.size());
  const auto add = [&](const Cell& cell) { insert.parameters.push_back(cell ? cell->c_str() : nullptr); };
  for (const std::vector<Cell>& cells : table.rows) std::ranges::for_each(cells, add);
  static const Cell kNull;
  for (std::size_t row = table.rows.size(); row < form.room; ++row) {
    for (std::size_t i = 0; i < form.filled_up.size(); ++i) add(form.filled_up[i] ? table.rows[0][i] : kNull);
  }
  return insert;
}

// Rows beyond those given are never made: LIMIT ends before. A parameter is read even so, and a domain may refuse NULL.
void KeptInserts::Keep(Form& form, const DatasetTable& table, const std::string& returning) const {
  const std::map<std::string, std::string>& types = types_.at(table.table);
  std::vector<std::string>& of_parameters = form.statement.types;
  of_parameters.emplace_back(kBigint);
  for (const std::string& column : table.columns) form.filled_up.push_back(domains_.contains(types.at(column)));
  std::string values;
  for (std::size_t row = 0; row < form.room; ++row) {
    values += row == 0 ? "(" : ", (";
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      of_parameters.push_back(types.at(table.columns[i]));
      values += fmt::format("{}${}", i == 0 ? "" : ", ", of_parameters.size());
    }
    values += ")";
  }
  form.statement.sql = fmt::format(
      "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT * FROM (VALUES {}) AS given LIMIT $1{}{}", table.table,
      fmt::join(table.columns, ", "), values, returning.empty() ? "" : " RETURNING ", returning);
}

}  // namespace migproof
