// What every aim must do, over all that are registered, against a real server: it proposes rows for what is there
// before the change and for nothing else, always the same, and those rows break a fitting migration.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "harness/catalog/read.h"
#include "harness/data/aim.h"
#include "harness/data/aim_tools.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "migrations/session.h"

namespace migproof {
namespace {

struct AimExample {
  const char* aim;
  const char* name;
  std::string before;                      // makes the database before the change
  std::vector<std::string> change;         // its statements; they run on empty tables
  std::string sqlstate;                    // of the refusal with rows
  std::vector<std::string> way_back = {};  // run behind them, where it is the way back that breaks
};

std::ostream& operator<<(std::ostream& out, const AimExample& example) {
  return out << example.aim << " " << example.name;
}

const std::vector<AimExample>& AimExamples() {
  static const std::vector<AimExample> examples = {
      {"narrowed_type",
       "varchar",
       "CREATE TABLE t (id int, v text)",
       {"ALTER TABLE t ALTER COLUMN v TYPE varchar(77)"},
       "22001"},
      {"narrowed_type",
       "integer",
       "CREATE TABLE t (id int, v bigint)",
       {"ALTER TABLE t ALTER COLUMN v TYPE integer"},
       "22003"},
      {"narrowed_type",
       "numeric",
       "CREATE TABLE t (id int, v numeric)",
       {"ALTER TABLE t ALTER COLUMN v TYPE numeric(7,3)"},
       "22003"},
      {"narrowed_type", "date", "CREATE TABLE t (id int, v date)", {"ALTER TABLE t ALTER v TYPE timestamp"}, "22008"},
      {"narrowed_type",
       "filled",
       "CREATE TABLE t (id int, v text)",
       {"ALTER TABLE t ADD COLUMN w varchar(77)", "UPDATE t SET w = v"},
       "22001"},
      {"cast",
       "integer",
       "CREATE TABLE t (id int, v text)",
       {"ALTER TABLE t ALTER COLUMN v TYPE integer USING v::integer"},
       "22P02"},
      {"cast", "document", "CREATE TABLE t (id int, v json)", {"ALTER TABLE t ALTER COLUMN v TYPE jsonb"}, "22P05"},
      {"cast",
       "in_a_statement",
       "CREATE TABLE t (id int, v text)",
       {"ALTER TABLE t ADD COLUMN w date", "UPDATE t SET w = CAST(v AS date)"},
       "22008"},
      {"new_unique",
       "two_columns",
       "CREATE TABLE t (id int, a int, b text)",
       {"CREATE UNIQUE INDEX u ON t (a, b)"},
       "23505"},
      {"new_unique",
       "lower",
       "CREATE TABLE t (id int, v text UNIQUE)",
       {"CREATE UNIQUE INDEX u ON t (lower(v))"},
       "23505"},
      {"new_unique",
       "partial",
       "CREATE TABLE t (id int, v int, state text)",
       {"CREATE UNIQUE INDEX u ON t (v) WHERE state = 'a state'"},
       "23505"},
      {"new_unique",
       "nulls",
       "CREATE TABLE t (id int, v text UNIQUE)",
       {"CREATE UNIQUE INDEX u ON t (v) NULLS NOT DISTINCT"},
       "23505"},
      {"new_check", "boundary", "CREATE TABLE t (id int, v int)", {"ALTER TABLE t ADD CHECK (v <> 4711)"}, "23514"},
      {"new_not_null", "column", "CREATE TABLE t (id int, v text)", {"ALTER TABLE t ALTER v SET NOT NULL"}, "23502"},
      {"new_not_null",
       "filled_from_others",
       "CREATE TABLE t (id int, v text, a text, b text)",
       {"UPDATE t SET v = coalesce(v, a, b)", "ALTER TABLE t ALTER v SET NOT NULL"},
       "23502"},
      {"added_column", "no_default", "CREATE TABLE t (id int)", {"ALTER TABLE t ADD COLUMN v int NOT NULL"}, "23502"},
      {"added_column",
       "unique_default",
       "CREATE TABLE t (id int)",
       {"ALTER TABLE t ADD COLUMN v int DEFAULT 1 UNIQUE"},
       "23505"},
      {"new_foreign_key",
       "two_columns",
       "CREATE TABLE p (a int, b int, UNIQUE (a, b)); CREATE TABLE t (a int, b int)",
       {"ALTER TABLE t ADD FOREIGN KEY (a, b) REFERENCES p (a, b)"},
       "23503"},
      {"new_exclusion",
       "overlap",
       "CREATE TABLE t (id int PRIMARY KEY, v tsrange)",
       {"ALTER TABLE t ADD EXCLUDE USING gist (v WITH &&)"},
       "23P01"},
      {"dropped_label",
       "in_use",
       "CREATE TYPE e AS ENUM ('a', 'b', 'c'); CREATE TABLE t (id int, v e)",
       {"CREATE TYPE n AS ENUM ('a', 'b')", "ALTER TABLE t ALTER v TYPE n USING v::text::n"},
       "22P02"},
      {"dropped_column",
       "not_null",
       "CREATE TABLE t (id int, v text NOT NULL DEFAULT 'x')",
       {"ALTER TABLE t DROP COLUMN v"},
       "23502",
       {"ALTER TABLE t ADD COLUMN v text NOT NULL"}},
      {"new_partition",
       "attached",
       "CREATE TABLE p (v int) PARTITION BY RANGE (v); CREATE TABLE t (v int)",
       {"ALTER TABLE p ATTACH PARTITION t FOR VALUES FROM (-1000000) TO (2147483647)"},
       "23514"},
      {"new_partition",
       "in_default",
       "CREATE TABLE t (v int) PARTITION BY LIST (v); CREATE TABLE d PARTITION OF t DEFAULT",
       {"CREATE TABLE n PARTITION OF t FOR VALUES IN (4711)"},
       "23514"},
      {"new_domain",
       "pattern",
       "CREATE TABLE t (id int, v text)",
       {"CREATE DOMAIN d AS text CHECK (VALUE <> 'one text of many')", "ALTER TABLE t ALTER v TYPE d"},
       "23514"},
      {"trigger_pattern",
       "through_a_function",
       "CREATE FUNCTION is_part_number(text) RETURNS boolean LANGUAGE sql AS\n"
       "  $$ SELECT $1 ~ '^[A-F]{2}-(?:[0-9]{4}|x)$' $$;\n"
       "CREATE FUNCTION keep_out() RETURNS trigger LANGUAGE plpgsql AS\n"
       "  $$ BEGIN IF NOT is_part_number(new.v) THEN RAISE EXCEPTION 'no part number'; END IF; RETURN new; END $$;\n"
       "CREATE TABLE t (id int PRIMARY KEY, v text);\n"
       "CREATE TRIGGER k BEFORE INSERT ON t FOR EACH ROW WHEN (new.v IS DISTINCT FROM '')"
       "  EXECUTE FUNCTION keep_out()",
       {"ALTER TABLE t ADD CHECK (v !~ '-')"},
       "23514"},
      {"large_value", "text", "CREATE TABLE t (id int, v text)", {"CREATE INDEX i ON t (v)"}, "54000"},
      {"arithmetic", "overflow", "CREATE TABLE t (id int, v int)", {"UPDATE t SET v = v + 1"}, "22003"},
      {"arithmetic", "by_zero", "CREATE TABLE t (id int, v int)", {"UPDATE t SET v = 7 / v"}, "22012"},
      {"named_values",
       "literal",
       "CREATE TABLE t (id int, v text NOT NULL)",
       {"UPDATE t SET v = CASE v WHEN 'a state' THEN NULL ELSE v END"},
       "23502"},
      {"named_values",
       "piece",
       "CREATE TABLE t (id int, v text NOT NULL)",
       {"UPDATE t SET v = nullif(split_part(v, '##', 2), 'b')"},
       "23502"},
      {"chosen_rows",
       "equal_and_like",
       "CREATE TABLE t (id int, state text, fault text, n int NOT NULL)",
       {"UPDATE t SET n = NULL WHERE state = 'given up' AND fault LIKE '%no room%'"},
       "23502"},
      {"chosen_rows",
       "in_a_list_of_another_case",
       "CREATE TABLE t (id int, \"theState\" text, closed bool, paid date, n int NOT NULL)",
       {"update t x set n = null where x.\"theState\" in ('given up', 'lost') and x.closed is not true and x.paid is "
        "null"},
       "23502"},
      {"chosen_rows",
       "beside_what_has_no_known_form",
       "CREATE TABLE t (id int, state text, kind text, n int NOT NULL)",
       {"UPDATE t SET n = NULL WHERE state = 'given up' AND kind = 'of wood' AND NOT EXISTS (SELECT FROM t o WHERE o.n "
        "= -7)"},
       "23502"},
      {"chosen_rows",
       "when",
       "CREATE TABLE t (id int, state text NOT NULL, kind text)",
       {"UPDATE t SET state = CASE WHEN state = 'given up' AND kind = 'of wood' THEN NULL ELSE state END"},
       "23502"},
      {"merged_values",
       "replaced",
       "CREATE TABLE t (a int, b text, c bool, PRIMARY KEY (a, b, c))",
       {"UPDATE t SET b = replace(b, 'dark-blue', 'darkblue')"},
       "23505"},
      {"merged_values",
       "nulls",
       "CREATE TABLE t (a int, b text, c date, UNIQUE (a, b, c))",
       {"UPDATE t SET b = 'none' WHERE b IS NULL"},
       "23505"},
      {"merged_values",
       "numbers",
       "CREATE TABLE t (a int, b int, c date, PRIMARY KEY (a, b, c))",
       {"UPDATE t SET b = 4711 WHERE b = 815"},
       "23505"},
      {"merged_values",
       "moved_on",
       "CREATE TABLE t (a int, b int, c date, PRIMARY KEY (a, b, c))",
       {"UPDATE t SET b = b + 1"},
       "23505"},
      {"merged_values",
       "moved_back",
       "CREATE TABLE t (a int, b int, c date, PRIMARY KEY (a, b, c))",
       {"UPDATE t SET b = b - 1"},
       "23505"},
      {"document_keys",
       "number",
       "CREATE TABLE t (id int, v jsonb)",
       {"ALTER TABLE t ADD COLUMN w int", "UPDATE t SET w = (v ->> 'size')::int"},
       "22P02"},
      {"document_keys",
       "elements",
       "CREATE TABLE t (id int, v json)",
       {"CREATE TABLE i (v text)", "INSERT INTO i SELECT json_array_elements_text(v -> 'items') FROM t"},
       "22023"},
      {"document_keys",
       "path",
       "CREATE TABLE t (id int, v jsonb)",
       {"ALTER TABLE t ADD COLUMN w date", "UPDATE t SET w = (v #>> '{state,since}')::date"},
       "22007"},
      {"named_length",
       "variable",
       "CREATE TABLE t (id int, k text, v text)",
       {"DO $$ DECLARE found varchar(77); BEGIN SELECT v INTO found FROM t WHERE k = 'a key'; END $$"},
       "22001"},
  };
  return examples;
}

// A database before a change, and what the change does to its catalog.
class Changed {
 public:
  explicit Changed(const AimExample& example)
      : example_(example), database_(Database::Create(TestServer())), session_(database_->Connect()) {
    session_->Execute("SET client_min_messages = error");
    session_->Execute(example.before);
    before_ = CatalogReader(*session_).Read();
    const Transaction transaction(*session_);
    for (const std::string& statement : example.change) session_->Execute(statement);
    after_ = CatalogReader(*session_).Read();
    drift_ = Compare(before_, after_).differences;
  }

  AimInput Input() const { return {before_, after_, drift_, example_.change}; }
  const Catalog& before() const { return before_; }

  // The SQLSTATE of the refusal, or "".
  std::string RunWith(const Dataset& rows) {
    const Transaction transaction(*session_);
    Insert(*session_, rows);
    try {
      for (const std::string& statement : example_.change) session_->Execute(statement);
      for (const std::string& statement : example_.way_back) session_->Execute(statement);
    } catch (const Error& refusal) {
      return std::string(refusal.sqlstate());
    }
    return "";
  }

 private:
  const AimExample& example_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Session> session_;
  Catalog before_;
  Catalog after_;
  std::vector<Difference> drift_;
};

Targets ProposalOf(const AimExample& example, const AimInput& input) {
  Targets targets;
  Registry<Aim>::Get(example.aim).Propose(input, targets);
  return targets;
}

std::set<std::string> ColumnsIn(const Targets::TableTargets& targets) {
  std::set<std::string> columns = targets.nulls;
  const auto add = [&](const auto& values) {
    for (const Targets::Value& value : values) columns.insert(value.column);
  };
  for (const auto& row : targets.rows) add(row);
  for (const auto& twins : targets.twins) {
    add(twins.first);
    add(twins.second);
    columns.insert(twins.agree.begin(), twins.agree.end());
  }
  for (const auto& group : targets.agree) columns.insert(group.begin(), group.end());
  for (const auto& orphan : targets.orphans) columns.insert(orphan.columns.begin(), orphan.columns.end());
  return columns;
}

class AimConformance : public testing::TestWithParam<AimExample> {};

TEST_P(AimConformance, ProposesForWhatIsThereBefore) {
  const Changed changed(GetParam());
  const Targets targets = ProposalOf(GetParam(), changed.Input());
  EXPECT_FALSE(targets.tables.empty());
  for (const auto& [table, proposed] : targets.tables) {
    EXPECT_NE(changed.before().Find("table", table), nullptr) << table;
    const std::string prefix = table + ".";
    for (const std::string& column : ColumnsIn(proposed)) {
      EXPECT_NE(changed.before().Find("column", prefix + column), nullptr) << prefix << column;
    }
  }
  EXPECT_EQ(ProposalOf(GetParam(), changed.Input()), targets);
}

TEST_P(AimConformance, HasNothingToSayOfWhatIsUnrelated) {
  AimExample other = GetParam();
  other.change = {"CREATE TABLE unrelated (x int CHECK (x > 0), y text)", "CREATE INDEX unrelated_y ON unrelated (y)"};
  const Changed changed(other);
  EXPECT_TRUE(ProposalOf(other, changed.Input()).tables.empty());
}

TEST_P(AimConformance, ItsRowsBreakTheChange) {
  Changed changed(GetParam());
  const AimInput input = changed.Input();
  const RowGenerator generator(changed.before(), {}, {.leave_out = {}, .focus = TouchedTables(input)},
                               ProposalOf(GetParam(), input));
  constexpr std::uint64_t kCases = 60;
  std::set<std::string> refusals;
  for (std::uint64_t i = 0; i < kCases && !refusals.contains(GetParam().sqlstate); ++i) {
    Random random = Random(i).Split(GetParam().name);
    refusals.insert(changed.RunWith(generator.Draw(random)));
  }
  EXPECT_THAT(refusals, testing::Contains(GetParam().sqlstate));
}

INSTANTIATE_TEST_SUITE_P(All, AimConformance, testing::ValuesIn(AimExamples()), [](const auto& instance) {
  return std::string(instance.param.aim) + "_" + instance.param.name;
});

// What a sequence feeds is not given zero or less by hand.
TEST(Aims, CountUpWhereASequenceDoesBeforeOrAfter) {
  const auto any_below_one = [](const char* aim, const std::string& before, const std::vector<std::string>& change) {
    const AimExample example{aim, "", before, change, ""};
    const Changed changed(example);
    for (const auto& [table, proposed] : ProposalOf(example, changed.Input()).tables) {
      for (const auto& row : proposed.rows) {
        for (const Targets::Value& value : row) {
          if (value.value && IsBelowOne(*value.value)) return true;
        }
      }
    }
    return false;
  };
  const std::vector<std::string> unfed = {"ALTER TABLE t ALTER COLUMN n DROP DEFAULT",
                                          "DROP SEQUENCE IF EXISTS t_n_seq"};
  const std::vector<std::string> fed = {"CREATE SEQUENCE s", "ALTER TABLE t ALTER COLUMN n DROP NOT NULL",
                                        "ALTER TABLE t ALTER COLUMN n SET DEFAULT nextval('s')"};
  EXPECT_TRUE(any_below_one("dropped_column", "CREATE TABLE t (n int)", unfed));
  EXPECT_FALSE(any_below_one("dropped_column", "CREATE TABLE t (n serial)", unfed));
  EXPECT_FALSE(any_below_one("dropped_column", "CREATE TABLE t (n int)", fed));
  EXPECT_TRUE(any_below_one("arithmetic", "CREATE TABLE t (n int)", {"UPDATE t SET n = 7 / n"}));
  EXPECT_FALSE(any_below_one("arithmetic", "CREATE TABLE t (n serial)", {"UPDATE t SET n = 7 / n"}));
}

TEST(Aims, AreOneFileEachAndHaveAnExample) {
  std::set<std::string> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(MIGPROOF_SOURCE_DIR) / "harness" / "data" / "aims")) {
    files.insert(entry.path().stem());
  }
  std::set<std::string> examples;
  for (const AimExample& example : AimExamples()) examples.insert(example.aim);
  const std::vector<std::string> names = Registry<Aim>::Names();
  EXPECT_EQ(files, std::set<std::string>(names.begin(), names.end()));
  EXPECT_EQ(files, examples);
  for (const std::string& name : names) EXPECT_FALSE(Registry<Aim>::Get(name).Summary().empty()) << name;
}

}  // namespace
}  // namespace migproof
