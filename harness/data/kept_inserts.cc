#include "harness/data/kept_inserts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

namespace migproof {

namespace {

constexpr const char* kPrefix = "migproof_insert_";
// Every change to a table makes the server look through all that is kept.
constexpr std::size_t kMostForms = 1000;
constexpr std::size_t kMostRows = 8;  // of larger forms few are alike

}  // namespace

void KeptInserts::Begin(Types types) {
  types_ = std::move(types);
  forms_.clear();
  session_.Deallocate(kPrefix);
  const std::string mode(session_.Execute("SELECT pg_catalog.current_setting('plan_cache_mode')").Get(0, 0));
  const auto set = [](const std::string& value) {
    return Session::Prepared{"migproof_plan_" + value, "SET LOCAL plan_cache_mode = " + value, {}};
  };
  before_ = set("force_generic_plan");
  after_ = set(mode);
}

std::optional<Session::Prepared> KeptInserts::For(const DatasetTable& table, const std::string& returning) {
  if (table.rows.size() > kMostRows || table.columns.empty() || !types_.contains(table.table)) return std::nullopt;
  std::string key = fmt::format("{} {} {}", table.table, table.rows.size(), returning);
  for (const std::string& column : table.columns) (key += ' ') += column;
  if (forms_.size() >= kMostForms && !forms_.contains(key)) return std::nullopt;
  const auto [at, first] = forms_.try_emplace(std::move(key));
  if (first) return std::nullopt;
  Form& form = at->second;
  if (form.name.empty()) {
    Keep(form, table, returning);
    form.name = fmt::format("{}{}", kPrefix, ++kept_);
  }
  Session::Prepared insert{form.name, form.sql, {}, form.types};
  insert.parameters.reserve(form.types.size());
  for (const std::vector<Cell>& cells : table.rows) {
    insert.parameters.insert(insert.parameters.end(), cells.begin(), cells.end());
  }
  return insert;
}

void KeptInserts::Keep(Form& form, const DatasetTable& table, const std::string& returning) const {
  const std::map<std::string, std::string>& types = types_.at(table.table);
  std::string values;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    values += row == 0 ? "(" : ", (";
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      form.types.push_back(types.at(table.columns[i]));
      values += fmt::format("{}${}", i == 0 ? "" : ", ", form.types.size());
    }
    values += ")";
  }
  form.sql = fmt::format("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES {}{}{}", table.table,
                         fmt::join(table.columns, ", "), values, returning.empty() ? "" : " RETURNING ", returning);
}

}  // namespace migproof
