#include <algorithm>
#include <map>

#include "harness/data/aim_tools.h"
#include "harness/data/check_values.h"
#include "harness/data/statement_words.h"

namespace migproof {

namespace {

using Values = std::vector<std::string>;

// Some that convert, and some that do not.
Values TextsFor(const ColumnType& is) {
  const std::string& base = is.base;
  if (is.form == ColumnType::Form::kEnum) {
    Values values = {"", "no such label"};
    for (const std::string& label : is.labels) {
      std::string upper = label;
      std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
      values.insert(values.end(), {label, upper, label + " "});
    }
    return values;
  }
  if (is.form == ColumnType::Form::kArray) return {"{}", "", "a,b", "{1,2}", "{\"a\"", "{a,b}"};
  if (is.form == ColumnType::Form::kRange) return {"empty", "[1,2)", "[2,1)", "", "1"};
  if (base == "boolean") return {"true", "f", "yes", "1", "", "maybe", "2"};
  if (base == "uuid")
    return {"00000000-0000-0000-0000-000000000001", "", "abc", "{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}"};
  if (base == "json" || base == "jsonb")
    return {"{}", "[1]", "null", "", "{", "plain", "{\"a\": \"\\u0000\"}", "{\"a\":1,\"a\":2}", " [1,2]"};
  if (base == "date" || base.starts_with("timestamp")) {
    return {"2024-02-29", "2024-02-30", "", "29.02.2024", "soon", "infinity", "2024-02-29 23:59:60.5+14"};
  }
  if (base.starts_with("time")) return {"12:00", "24:00:00", "25:00", "", "noon"};
  if (base == "interval") return {"1 day", "P1D", "", "a while"};
  if (base == "inet" || base == "cidr") return {"10.0.0.1", "10.0.0.1/8", "::1", "", "localhost"};
  if (base == "macaddr") return {"08:00:2b:01:02:03", "", "0800"};
  if (base == "bytea") return {"\\x00", "\\x0", "\\", "a"};
  if (base == "xml") return {"<a/>", "<a>", ""};
  if (IsNumber(is))
    return {"0", " 7 ", "", "abc", "1.5", "-1", "1e3", "2147483648", "1,000", "NaN", "99999999999999999999"};
  return {};
}

// The words of a cast that name a type otherwise than the catalog does.
std::string FullName(const std::string& word) {
  static const std::map<std::string, std::string> kNames = {{"int", "integer"},
                                                            {"int4", "integer"},
                                                            {"int2", "smallint"},
                                                            {"int8", "bigint"},
                                                            {"bool", "boolean"},
                                                            {"decimal", "numeric"},
                                                            {"float8", "double precision"},
                                                            {"float4", "real"},
                                                            {"float", "double precision"},
                                                            {"double", "double precision"},
                                                            {"timestamptz", "timestamp with time zone"},
                                                            {"timestamp", "timestamp without time zone"}};
  const auto found = kNames.find(word);
  return found == kNames.end() ? word : found->second;
}

class Cast : public Aim {
 public:
  std::string_view Summary() const override {
    return "a text or document that is cast to another type meets values that convert and some that do not";
  }

  void Propose(const AimInput& input, Targets& targets) const override {
    Proposal proposal(input, targets);
    for (const ColumnChange& change : ChangedTypes(input)) {
      Put(proposal, change.table, change.column, change.was, Unwrapped(change.is));
    }
    for (const std::string& statement : input.statements) {
      const std::vector<std::string> casts = WordsOf(statement).casts;
      if (casts.empty()) continue;
      const AimInput one{input.before, input.after, input.drift, {statement}};
      for (const NamedColumns& named : NamedInStatements(one)) {
        const CheckColumns columns = CheckColumnsOf(input.before, named.table);
        for (const std::string& cast : casts) {
          for (const std::string& column : named.columns) {
            Put(proposal, named.table, column, columns.at(column).type, TypeCalled(input, cast));
          }
        }
      }
    }
  }

 private:
  static ColumnType TypeCalled(const AimInput& input, const std::string& word) {
    ColumnType type = ResolveType(input.after, FullName(word));
    if (type.form != ColumnType::Form::kBase) return type;
    return ResolveType(input.after, "public." + word).form == ColumnType::Form::kBase
               ? type
               : ResolveType(input.after, "public." + word);
  }

  static void Put(Proposal& proposal, const std::string& table, const std::string& column, const ColumnType& was,
                  const ColumnType& is) {
    const bool was_json = Unwrapped(was).base == "json" && is.base == "jsonb";
    if (was_json) proposal.Row(table, {{column, "{\"a\": \"\\u0000\"}"}});
    if (was_json) proposal.Row(table, {{column, "{\"a\": 1, \"a\": 2}"}});
    if (!IsText(was) || IsText(is)) return;
    for (const std::string& value : TextsFor(is)) {
      if (Fits(was, value)) proposal.Row(table, {{column, value}});
    }
  }
};

const Registered<Aim, Cast> kCast("cast");

}  // namespace

}  // namespace migproof
