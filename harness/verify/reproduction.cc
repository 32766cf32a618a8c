#include "harness/verify/reproduction.h"

#include <fmt/format.h>

#include <algorithm>

namespace migproof {

namespace {

constexpr const char* kGuard = R"sql(\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
DO $migproof$
BEGIN
  IF EXISTS (SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
              WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema') THEN
    RAISE EXCEPTION 'this database is not empty: run the script on one of its own (createdb, then psql -X -d NAME -f ...)';
  END IF;
END $migproof$;
)sql";

bool IsLeftOut(const std::vector<Error>& refusals, std::string_view statement) {
  return std::any_of(refusals.begin(), refusals.end(),
                     [&](const Error& refusal) { return refusal.sql() && refusal.sql()->statement == statement; });
}

class ScriptWriter {
 public:
  explicit ScriptWriter(std::string& text) : text_(text) {}

  void Title(const std::string& title) { text_ += fmt::format("\n-- {}\n", title); }

  // As the runner runs it: in one transaction where the section says so.
  void Run(const Section& written, const std::vector<Error>& left_out) {
    const Section& section = written.AsSql();
    const bool transaction = section.execution == Execution::kTransaction || section.execution == Execution::kTool ||
                             (section.execution == Execution::kOneQuery && section.script.statements().size() > 1);
    if (transaction) text_ += "BEGIN;\n";
    RunStatements(section.script, left_out);
    if (transaction) text_ += "COMMIT;\n";
  }

  void RunStatements(const Script& script, const std::vector<Error>& left_out) {
    for (const Statement& statement : script.statements()) {
      const std::string_view text = script.Text(statement);
      if (statement.kind == StatementKind::kCopyData) {
        text_ += text;
        text_ += text.empty() || text.back() == '\n' ? "\\.\n" : "\n\\.\n";
      } else if (!IsLeftOut(left_out, text)) {
        text_ += text;
        text_ += statement.kind == StatementKind::kMetaCommand ? "\n" : ";\n";
      }
    }
  }

 private:
  std::string& text_;
};

std::string OneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// Compares tables before and after, as text: one temporary table for each.
class ComparisonSql {
 public:
  ComparisonSql(const Observation& was, const Observation& is, const Suspicion& suspicion) {
    for (const std::string& table : suspicion.tables) {
      if (table.rfind("sequence ", 0) == 0) {
        const std::string name = table.substr(9);
        const bool behind = std::any_of(suspicion.behind.begin(), suspicion.behind.end(),
                                        [&](const SequenceUse& use) { return use.sequence == name; });
        if (!behind) sequences_.push_back(name);
        continue;
      }
      std::vector<std::string> columns;
      const std::vector<std::string> there = ColumnsOf(*is.catalog, table);
      const std::string prefix = table + ".";
      for (const std::string& column : ColumnsOf(*was.catalog, table)) {
        const bool shared = std::find(there.begin(), there.end(), column) != there.end();
        if (shared && !suspicion.unstable.contains(prefix + column)) columns.push_back(column);
      }
      const auto key = suspicion.keys.find(table);
      tables_.push_back(
          {table, std::move(columns), key == suspicion.keys.end() ? std::vector<std::string>() : key->second});
    }
    behind_ = suspicion.behind;
    casts_ = suspicion.casts;
  }

  std::string Remember() const {
    std::string sql;
    for (std::size_t i = 0; i < tables_.size(); ++i) {
      sql += fmt::format("CREATE TEMP TABLE migproof_rows_{} AS SELECT {} FROM ONLY {};\n", i + 1,
                         Columns(tables_[i], false), tables_[i].name);
    }
    for (std::size_t i = 0; i < sequences_.size(); ++i) {
      sql += fmt::format("CREATE TEMP TABLE migproof_sequence_{} AS SELECT last_value, is_called FROM {};\n", i + 1,
                         sequences_[i]);
    }
    return sql;
  }

  std::string Compare(const std::string& when) const {
    std::string sql;
    for (std::size_t i = 0; i < tables_.size(); ++i) {
      std::string was = fmt::format("SELECT * FROM migproof_rows_{}", i + 1);
      std::string now = fmt::format("SELECT {} FROM ONLY {}", Columns(tables_[i], true), tables_[i].name);
      if (const std::string key = KeyText(tables_[i]); !key.empty()) {
        const std::string keys_now = fmt::format("SELECT {} FROM ONLY {}", key, tables_[i].name);
        now += fmt::format(" WHERE ({}) IN (SELECT {} FROM migproof_rows_{})", key, key, i + 1);
        was += fmt::format(" WHERE ({}) IN ({})", key, keys_now);
      }
      sql += fmt::format(
          "\\echo 'was:'\n{0};\n\\echo 'is:'\n{1};\n"
          "DO $migproof$\nBEGIN\n  IF EXISTS (({0} EXCEPT ALL {1})\n"
          "             UNION ALL ({1} EXCEPT ALL {0})) THEN\n"
          "    RAISE EXCEPTION 'the rows of {2} are not what they were {3}';\n  END IF;\nEND $migproof$;\n",
          was, now, Escaped(tables_[i].name), Escaped(when));
    }
    for (std::size_t i = 0; i < sequences_.size(); ++i) {
      sql += fmt::format(
          "DO $migproof$\nBEGIN\n  IF EXISTS (SELECT 1 FROM migproof_sequence_{0} AS was, {1} AS now\n"
          "              WHERE (was.last_value, was.is_called) <> (now.last_value, now.is_called)) THEN\n"
          "    RAISE EXCEPTION 'the sequence {2} is not where it was {3}';\n  END IF;\nEND $migproof$;\n",
          i + 1, sequences_[i], Escaped(sequences_[i]), Escaped(when));
    }
    for (const SequenceUse& use : behind_) {
      sql += fmt::format(
          "DO $migproof$\nBEGIN\n  IF (SELECT {0}({1}) FROM ONLY {2}) {3}\n"
          "     (SELECT CASE WHEN is_called THEN last_value ELSE last_value - ({4}) END FROM {5}) THEN\n"
          "    RAISE EXCEPTION 'the sequence {6} is behind the keys in {7}';\n  END IF;\nEND $migproof$;\n",
          use.increment > 0 ? "max" : "min", use.column, use.table, use.increment > 0 ? ">" : "<", use.increment,
          use.sequence, Escaped(use.sequence), Escaped(use.table + "." + use.column));
    }
    return sql;
  }

 private:
  struct Table {
    std::string name;
    std::vector<std::string> columns;
    std::vector<std::string> key;  // only rows are compared that both sides have by this, where it is not empty
  };

  static std::vector<std::string> ColumnsOf(const Catalog& catalog, const std::string& table) {
    std::vector<std::string> columns;
    for (const auto& [key, object] : catalog.objects()) {
      if (key.kind == "column" && object.relation == table) columns.push_back(key.name.substr(table.size() + 1));
    }
    return columns;
  }

  std::string Columns(const Table& table, bool cast) const {
    std::string list;
    for (const std::string& column : table.columns) {
      const auto as = casts_.find(table.name + "." + column);
      list += fmt::format("{}{}{}::text AS {}", list.empty() ? "" : ", ", column,
                          cast && as != casts_.end() ? "::" + as->second : "", column);
    }
    return list.empty() ? "1 AS one" : list;
  }

  // The columns of the key as text, which is what the remembered tables hold.
  static std::string KeyText(const Table& table) {
    std::string list;
    for (const std::string& column : table.key) list += fmt::format("{}{}::text", list.empty() ? "" : ", ", column);
    return list;
  }

  static std::string Escaped(const std::string& text) {
    std::string escaped;
    for (const char c : text) {
      escaped += c;
      if (c == '\'' || c == '%') escaped += c;
    }
    return escaped;
  }

  std::vector<Table> tables_;
  std::vector<std::string> sequences_;
  std::vector<SequenceUse> behind_;
  std::map<std::string, std::string> casts_;
};

}  // namespace

std::string ReproductionScript(CaseGround& ground, const Finding& finding, const Suspicion& suspicion,
                               const Dataset& rows) {
  if (!suspicion.refused && suspicion.tables.empty()) return "";
  const Subject& subject = ground.subject();
  const Revision& revision = ground.revision();
  std::string script = fmt::format("-- {}: {}\n-- {}\n-- To be run on an empty database: psql -X -d NAME -f THIS\n",
                                   revision.id, OneLine(revision.title), OneLine(finding.message));
  script += kGuard;
  ScriptWriter writer(script);
  for (const Script& before : subject.before()) {
    writer.Title("before the first revision: " + before.file());
    writer.RunStatements(before, {});
  }
  const std::size_t here = subject.IndexOf(revision);
  for (std::size_t i = 0; i < here; ++i) {
    writer.Title(fmt::format("revision {}", subject.order()[i]->id));
    writer.Run(subject.order()[i]->upgrade, ground.stand().RefusalsOf(i));
  }
  const auto reconnect = [&] {
    for (const std::string_view statement : ground.Reconnection())
      script += fmt::format("{};  -- rows and migrations come by connections of their own\n", statement);
  };
  const auto insert = [&] {
    if (!rows.tables.empty()) {
      reconnect();
      writer.Title("the rows");
      script += "BEGIN;\n";
      for (const std::string& statement : InsertStatements(rows)) script += statement;
      script += "COMMIT;\n";
    }
    const Observation& shape = rows.new_shape ? ground.WithoutRows({Move::kUpgrade}) : ground.BeforeWithoutRows();
    const std::vector<std::string> used = UseSequences(*shape.catalog, rows);
    if (!used.empty()) writer.Title("the sequences, as they are after some use");
    for (const std::string& statement : used) script += statement + "\n";
  };
  if (!rows.new_shape) insert();
  std::optional<ComparisonSql> comparison;
  std::size_t gone = 0;
  const auto go_to = [&](const Path& path) {
    for (; gone < path.size(); ++gone) {
      if (path[gone] == Move::kInsert) {
        insert();
        continue;
      }
      writer.Title(fmt::format("{} {}", Name(path[gone]), revision.id));
      const bool up = path[gone] != Move::kDowngrade;
      reconnect();
      if (suspicion.refused && suspicion.signature.find(" 57014 ") != std::string::npos)
        script += fmt::format("SET statement_timeout = {};\n", ground.step_timeout_ms());
      writer.Run(up ? revision.upgrade : *revision.downgrade,
                 up && ground.leaves_out() ? ground.WithoutRows({Move::kUpgrade}).refusals : std::vector<Error>());
    }
  };
  if (!suspicion.refused) {
    comparison.emplace(ground.AlongWithoutRows(suspicion.was), ground.AlongWithoutRows(suspicion.is), suspicion);
    go_to(suspicion.was);
    script += comparison->Remember();
  }
  go_to(suspicion.is);
  if (comparison) {
    writer.Title("what was, and what is");
    script += comparison->Compare("before " + ToString(suspicion.is));
  }
  return script;
}

}  // namespace migproof
