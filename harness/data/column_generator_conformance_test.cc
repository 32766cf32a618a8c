// What every column generator must do, over all that are registered, against a real server: what they give is taken,
// reads back as the same value, and shrinks to the simplest.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "harness/catalog/read.h"
#include "harness/data/column_generator.h"
#include "harness/data/dataset.h"
#include "harness/data/kept_inserts.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "migrations/utf8.h"

namespace migproof {
namespace {

struct Example {
  const char* generator;
  const char* type;
  std::vector<std::string> setup = {};  // statements that make what the type needs
};

const std::vector<Example>& Examples() {
  static const std::string mood = "CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'a, b', 'very \"happy\"', ' ', 'b\\c')";
  static const std::vector<Example> examples = {
      {"integer", "smallint"},
      {"integer", "integer"},
      {"integer", "bigint"},
      {"integer", "oid"},
      {"floating_point", "real"},
      {"floating_point", "double precision"},
      {"numeric", "numeric"},
      {"numeric", "numeric(10,2)"},
      {"numeric", "numeric(1)"},
      {"numeric", "numeric(2,2)"},
      {"numeric", "numeric(3,5)"},
      {"numeric", "numeric(4,-2)"},
      {"numeric", "numeric(38,10)"},
      {"money", "money"},
      {"boolean", "boolean"},
      {"text", "text"},
      {"text", "varchar(1)"},
      {"text", "varchar(80)"},
      {"text", "varchar"},
      {"text", "char(1)"},
      {"text", "char(5)"},
      {"text", "bpchar"},
      {"text", "name"},
      {"text", "\"char\""},
      {"bytea", "bytea"},
      {"date_time", "date"},
      {"date_time", "timestamp"},
      {"date_time", "timestamp(0)"},
      {"date_time", "timestamp(3)"},
      {"date_time", "timestamptz"},
      {"date_time", "timestamptz(3)"},
      {"date_time", "time"},
      {"date_time", "time(2)"},
      {"date_time", "timetz"},
      {"date_time", "interval"},
      {"date_time", "interval(3)"},
      {"date_time", "interval year to month"},
      {"date_time", "interval day to second(3)"},
      {"uuid", "uuid"},
      {"json", "json"},
      {"json", "jsonb"},
      {"array", "integer[]"},
      {"array", "text[]"},
      {"array", "varchar(3)[]"},
      {"array", "boolean[]"},
      {"array", "box[]"},
      {"array", "jsonb[]"},
      {"array", "bytea[]"},
      {"array", "timestamptz[]"},
      {"array", "mood_of_array[]", {"CREATE TYPE mood_of_array AS ENUM ('x y', 'NULL', 'z')"}},
      {"array", "counted[]", {"CREATE DOMAIN counted AS integer NOT NULL CHECK (VALUE > 0)"}},
      {"enum", "mood", {mood}},
      {"enum", "lonely", {"CREATE TYPE lonely AS ENUM ('only')"}},
      {"domain", "plain", {"CREATE DOMAIN plain AS text"}},
      {"domain", "price", {"CREATE DOMAIN price AS numeric(10,2) CHECK (VALUE >= 0 AND VALUE < 1000)"}},
      {"domain", "postcode", {"CREATE DOMAIN postcode AS text CHECK (VALUE ~ '^\\d{5}(-\\d{4})?$')"}},
      {"domain",
       "mail",
       {"CREATE DOMAIN mail AS varchar(40) CHECK (VALUE ~* '^[a-z0-9._%+-]+@[a-z0-9-]+\\.[a-z]{2,}$')"}},
      {"domain", "grade", {"CREATE DOMAIN grade AS char(1) CHECK (VALUE IN ('A', 'B', 'C'))"}},
      {"domain", "filled", {"CREATE DOMAIN filled AS text NOT NULL CHECK (btrim(VALUE) <> '')"}},
      {"domain",
       "narrow",
       {"CREATE DOMAIN wide AS integer CHECK (VALUE BETWEEN 10 AND 1000)",
        "CREATE DOMAIN narrow AS wide CHECK (VALUE <> 10 AND VALUE <= 20)"}},
      {"composite", "pair", {"CREATE TYPE pair AS (id integer, \"a note\" varchar(20))"}},
      {"composite", "single", {"CREATE TYPE single AS (v text COLLATE \"C\")"}},
      {"composite",
       "nested",
       {"CREATE TYPE inner_pair AS (a text, b integer[])",
        "CREATE TYPE nested AS (p inner_pair, n numeric(5,2), s text)"}},
      {"composite", "row_of", {"CREATE TABLE row_of (id bigint, at timestamptz, note text)"}},
      {"range", "int4range"},
      {"range", "int8range"},
      {"range", "numrange"},
      {"range", "tsrange"},
      {"range", "tstzrange"},
      {"range", "daterange"},
      {"range", "textrange", {"CREATE TYPE textrange AS RANGE (subtype = text)"}},
      {"range", "int4multirange"},
      {"range", "tstzmultirange"},
      {"range", "timemultirange", {"CREATE TYPE timerange AS RANGE (subtype = time)"}},
      {"network", "inet"},
      {"network", "cidr"},
      {"network", "macaddr"},
      {"network", "macaddr8"},
      {"bit", "bit(1)"},
      {"bit", "bit(8)"},
      {"bit", "bit(100)"},
      {"bit", "bit varying"},
      {"bit", "bit varying(5)"},
      {"text_search", "tsvector"},
      {"text_search", "tsquery"},
      {"geometric", "point"},
      {"geometric", "line"},
      {"geometric", "lseg"},
      {"geometric", "box"},
      {"geometric", "path"},
      {"geometric", "polygon"},
      {"geometric", "circle"},
      {"xml", "xml"},
      {"snapshot", "pg_lsn"},
      {"snapshot", "pg_snapshot"},
      {"snapshot", "txid_snapshot"},
      {"snapshot", "xid8"},
      {"snapshot", "xid"},
      {"snapshot", "tid"},
      {"jsonpath", "jsonpath"},
      {"reg", "regclass"},
      {"reg", "regtype"},
      {"reg", "regproc"},
      {"reg", "regprocedure"},
      {"reg", "regoper"},
      {"reg", "regoperator"},
      {"reg", "regnamespace"},
      {"reg", "regrole"},
      {"reg", "regconfig"},
      {"reg", "regdictionary"},
      {"reg", "regcollation"},
      {"vector", "vector(3)", {"CREATE EXTENSION IF NOT EXISTS vector"}},
      {"vector", "vector", {"CREATE EXTENSION IF NOT EXISTS vector"}},
      {"vector", "halfvec(2)", {"CREATE EXTENSION IF NOT EXISTS vector"}},
      {"vector", "sparsevec(5)", {"CREATE EXTENSION IF NOT EXISTS vector"}},
      {"citext", "citext", {"CREATE EXTENSION IF NOT EXISTS citext"}},
      {"hstore", "hstore", {"CREATE EXTENSION IF NOT EXISTS hstore"}},
      {"ltree", "ltree", {"CREATE EXTENSION IF NOT EXISTS ltree"}},
      {"ltree", "lquery", {"CREATE EXTENSION IF NOT EXISTS ltree"}},
      {"ltree", "ltxtquery", {"CREATE EXTENSION IF NOT EXISTS ltree"}},
      {"isn", "ean13", {"CREATE EXTENSION IF NOT EXISTS isn"}},
      {"isn", "isbn", {"CREATE EXTENSION IF NOT EXISTS isn"}},
      {"isn", "isbn13", {"CREATE EXTENSION IF NOT EXISTS isn"}},
      {"isn", "ismn", {"CREATE EXTENSION IF NOT EXISTS isn"}},
      {"isn", "issn", {"CREATE EXTENSION IF NOT EXISTS isn"}},
      {"isn", "issn13", {"CREATE EXTENSION IF NOT EXISTS isn"}},
      {"isn", "upc", {"CREATE EXTENSION IF NOT EXISTS isn"}},
      {"cube", "cube", {"CREATE EXTENSION IF NOT EXISTS cube"}},
      // What nobody claims: its one value is known from a default.
      {"unknown", "seg", {"CREATE EXTENSION IF NOT EXISTS seg", "CREATE TABLE segs (s seg DEFAULT '1 .. 2')"}},
  };
  return examples;
}

// A database with a table for each example, and its catalog.
class Gallery {
 public:
  Gallery() : database_(Database::Create(TestServer())), session_(database_->Connect()) {
    for (std::size_t i = 0; i < Examples().size(); ++i) {
      try {
        for (const std::string& statement : Examples()[i].setup) session_->Execute(statement);
        session_->Execute(fmt::format("CREATE TABLE t{} (given text, v {})", i, Examples()[i].type));
      } catch (const Error& error) {
        absent_[i] = error.what();
      }
    }
    catalog_ = CatalogReader(*session_).Read();
  }

  Session& session() { return *session_; }
  const Catalog& catalog() const { return catalog_; }
  std::string WhyAbsent(std::size_t i) const { return absent_.count(i) != 0 ? absent_.at(i) : ""; }

 private:
  std::unique_ptr<Database> database_;
  std::unique_ptr<Session> session_;
  Catalog catalog_;
  std::map<std::size_t, std::string> absent_;
};

std::unique_ptr<Gallery> gallery;

class ColumnGeneratorConformance : public testing::TestWithParam<std::size_t> {
 protected:
  static void SetUpTestSuite() { gallery = std::make_unique<Gallery>(); }
  static void TearDownTestSuite() { gallery.reset(); }

  void SetUp() override {
    if (const std::string why = gallery->WhyAbsent(GetParam()); !why.empty()) {
      GTEST_SKIP() << "this server has no " << example().type << ": " << why;
    }
    type_name_ = gallery->catalog().Attribute("column", fmt::format("public.{}.v", table()), "type");
    type_ = ResolveType(gallery->catalog(), type_name_);
    session().Execute("BEGIN");
  }

  void TearDown() override {
    if (session().transaction_state() != TransactionState::kIdle) session().Execute("ROLLBACK");
  }

  const Example& example() const { return Examples()[GetParam()]; }
  std::string table() const { return fmt::format("t{}", GetParam()); }
  Session& session() const { return gallery->session(); }
  const ColumnType& type() const { return type_; }
  const ColumnGenerator& generator() const { return GeneratorFor(type_); }

  // Inserts the values, all at once; whichever is refused becomes a failure of the test.
  void Insert(const std::vector<std::string>& values) {
    if (values.empty()) return;
    std::string rows;
    for (const std::string& value : values) {
      const std::string literal = session().QuoteLiteral(value);
      rows += fmt::format("{}({}, {})", rows.empty() ? "" : ", ", literal, literal);
    }
    session().Execute("SAVEPOINT insert_all");
    try {
      session().Execute(fmt::format("INSERT INTO {} VALUES {}", table(), rows));
    } catch (const Error& error) {
      session().Execute("ROLLBACK TO insert_all");
      if (values.size() == 1) {
        ADD_FAILURE() << type_name_ << " refuses '" << values.front() << "': " << error.what();
        return;
      }
      for (const std::string& value : std::set<std::string>(values.begin(), values.end())) Insert({value});
    }
  }

  // The count that a query gives, or nothing where the type has no operator for it.
  std::optional<std::int64_t> Ask(const std::string& sql) {
    session().Execute("SAVEPOINT ask");
    try {
      return session().Query(sql).GetInt(0, 0);
    } catch (const Error& error) {
      session().Execute("ROLLBACK TO ask");
      if (!error.sql() || error.sql()->sqlstate != "42883") throw;
      return std::nullopt;
    }
  }

  // The text given, read as the type does; the cast from text to regclass is one of its own.
  std::string Given() const {
    return type_name_ == "regclass" ? "regclassin(textout(given))" : fmt::format("given::{}", type_name_);
  }

  std::string ReadAgain() const {
    return type_name_ == "regclass" ? "regclassin(textout(v::text))::text"
                                    : fmt::format("v::text::{}::text", type_name_);
  }

  void ExpectNone(const std::string& condition) {
    const Rows rows = session().Query(fmt::format("SELECT given, v::text FROM {} WHERE {}", table(), condition));
    for (int i = 0; i < std::min(rows.size(), 5); ++i) {
      ADD_FAILURE() << type_name_ << ": '" << rows.Get(i, 0) << "' reads back as '" << rows.Get(i, 1)
                    << "': " << condition;
    }
  }

  std::vector<std::string> Draws(std::size_t count, std::uint64_t seed) const {
    Random random(seed);
    std::vector<std::string> draws;
    for (std::size_t i = 0; i < count; ++i) draws.push_back(generator().Draw(type_, random));
    return draws;
  }

  std::string type_name_;
  ColumnType type_;
};

TEST_P(ColumnGeneratorConformance, IsClaimedByItsFamily) {
  EXPECT_EQ(&generator(), &Registry<ColumnGenerator>::Get(example().generator)) << type_name_;
}

TEST_P(ColumnGeneratorConformance, GivesWhatReadsBackEqual) {
  std::vector<std::string> values = generator().Edges(type());
  EXPECT_FALSE(values.empty());
  EXPECT_EQ(values.front(), generator().Simplest(type()));
  EXPECT_EQ(std::set<std::string>(values.begin(), values.end()).size(), values.size()) << "an edge stands there twice";
  for (const std::string& draw : Draws(200, 1)) values.push_back(draw);
  for (const std::string& value : values) EXPECT_FALSE(FindInvalidUtf8(value)) << value;
  Insert(values);
  EXPECT_EQ(Ask("SELECT count(*) FROM " + table()), static_cast<std::int64_t>(values.size()));
  ExpectNone(fmt::format("{0}::text IS DISTINCT FROM v::text OR v::text IS NULL", Given()));
  ExpectNone(fmt::format("{} IS DISTINCT FROM v::text", ReadAgain()));
  const auto unequal = Ask(fmt::format("SELECT count(*) FROM {} WHERE {} IS DISTINCT FROM v", table(), Given()));
  if (unequal) {
    EXPECT_EQ(*unequal, 0) << type_name_;
  }
}

TEST_P(ColumnGeneratorConformance, DrawsTheSameForAColumnThatKeepsItsSource) {
  auto passing = std::make_unique<ColumnType>(type());
  const ColumnGenerator::Source source = generator().For(*passing);
  passing.reset();
  Random random(4);
  std::vector<std::string> draws;
  for (int i = 0; i < 40; ++i) draws.push_back(source.draw(random));
  EXPECT_EQ(draws, Draws(40, 4)) << type_name_;
  for (std::uint64_t n = 0; n < 40; ++n) EXPECT_EQ(source.nth(n), generator().Nth(type(), n)) << type_name_;
}

TEST_P(ColumnGeneratorConformance, StoresByAKeptInsertWhatTheTextStores) {
  const std::string type = std::string(
      session()
          .Query("SELECT atttypid FROM pg_attribute WHERE attrelid = $1::regclass AND attname = 'v'", {table()})
          .Get(0, 0));
  KeptInserts inserts(session());
  inserts.Begin({{"public." + table(), {{"v", type}}}});
  const auto stored = [&](const auto& insert) {
    insert();
    const Rows rows = session().Execute(fmt::format("SELECT v::text FROM {} ORDER BY ctid", table()));
    std::vector<std::string> texts;
    for (int i = 0; i < rows.size(); ++i) texts.emplace_back(rows.Get(i, 0));
    session().Execute("TRUNCATE " + table());
    return texts;
  };
  constexpr std::size_t kRows = 6;  // the form has room for more
  std::vector<std::string> values = generator().Edges(this->type());
  for (const std::string& draw : Draws(40, 3)) values.push_back(draw);
  DatasetTable rows{"public." + table(), {"v"}, std::vector<std::vector<Cell>>(kRows), 0};
  inserts.For(rows, "");  // the first time it is not kept
  for (std::size_t begin = 0; begin + kRows <= values.size(); begin += kRows) {
    for (std::size_t i = 0; i < kRows; ++i) rows.rows[i] = {values[begin + i]};
    const auto kept = inserts.For(rows, "");
    ASSERT_TRUE(kept.has_value());
    EXPECT_EQ(stored([&] { session().CallAll({*kept}); }),
              stored([&] { session().Execute(InsertStatement({&rows})); }));
  }
}

TEST_P(ColumnGeneratorConformance, CountsValuesThatAllDiffer) {
  std::vector<std::string> values;
  while (values.size() < 50) {
    const auto value = generator().Nth(type(), values.size());
    if (!value) break;
    values.push_back(*value);
  }
  EXPECT_FALSE(values.empty());
  if (values.size() < 50) {
    EXPECT_FALSE(generator().Nth(type(), values.size() + 1)) << "it ended, and goes on";
  }
  Insert(values);
  session().Execute("SAVEPOINT make_index");
  try {
    session().Execute(fmt::format("CREATE UNIQUE INDEX ON {} (v)", table()));
  } catch (const Error& error) {
    session().Execute("ROLLBACK TO make_index");
    // No order among values of this type: no default operator class, or none for a part.
    ASSERT_TRUE(error.sql().has_value());
    EXPECT_TRUE(error.sql()->sqlstate == "42704" || error.sql()->sqlstate == "42883") << error.what();
    EXPECT_EQ(Ask("SELECT count(DISTINCT v::text) FROM " + table()), static_cast<std::int64_t>(values.size()));
  }
}

TEST_P(ColumnGeneratorConformance, ShrinksToTheSimplest) {
  const std::string simplest = generator().Simplest(type());
  EXPECT_TRUE(generator().Shrink(type(), simplest).empty());
  std::set<std::string> steps;
  Random random(3);
  for (std::string value : Draws(50, 2)) {
    const std::string from = value;
    int left = 2'000;
    for (std::vector<std::string> next = generator().Shrink(type(), value); !next.empty() && left > 0; --left) {
      // The path that goes on longest, mostly.
      value = random.OneIn(4) ? random.Pick(next) : next.back();
      steps.insert(value);
      next = generator().Shrink(type(), value);
    }
    EXPECT_EQ(value, simplest) << "from " << from;
    EXPECT_GT(left, 0) << "shrinking goes on from " << from;
  }
  Insert({steps.begin(), steps.end()});
}

TEST_P(ColumnGeneratorConformance, GivesTheSameForTheSameSeed) {
  EXPECT_EQ(Draws(100, 5), Draws(100, 5));
  if (generator().Edges(type()).size() > 2) {
    EXPECT_NE(Draws(100, 5), Draws(100, 6));
  }
}

std::vector<std::size_t> Indexes() {
  std::vector<std::size_t> indexes(Examples().size());
  for (std::size_t i = 0; i < indexes.size(); ++i) indexes[i] = i;
  return indexes;
}

INSTANTIATE_TEST_SUITE_P(All, ColumnGeneratorConformance, testing::ValuesIn(Indexes()), [](const auto& instance) {
  std::string name =
      fmt::format("{}_{}_{}", instance.param, Examples()[instance.param].generator, Examples()[instance.param].type);
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
});

TEST(ColumnGenerators, AreOneFileEachAndAllHaveExamples) {
  std::vector<std::string> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(MIGPROOF_SOURCE_DIR) + "/harness/data/types")) {
    files.push_back(entry.path().stem());
  }
  std::sort(files.begin(), files.end());
  EXPECT_EQ(files, Registry<ColumnGenerator>::Names());
  std::set<std::string> exemplified;
  for (const Example& example : Examples()) exemplified.insert(example.generator);
  EXPECT_EQ(std::vector<std::string>(exemplified.begin(), exemplified.end()), files);
}

ColumnType BuiltIn(const std::string& name) { return ResolveType(Catalog(), name); }

std::size_t CountOf(const std::string& name) {
  const ColumnType type = BuiltIn(name);
  std::size_t count = 0;
  while (count < 100'000 && GeneratorFor(type).Nth(type, count)) ++count;
  return count;
}

TEST(ColumnGenerators, EndTheCountWhereATypeEnds) {
  EXPECT_EQ(CountOf("boolean"), 2U);
  EXPECT_EQ(CountOf("smallint"), 32'767U);
  EXPECT_EQ(CountOf("character varying(1)"), 26U);
  EXPECT_EQ(CountOf("bit(3)"), 8U);
  EXPECT_EQ(CountOf("numeric(1,0)"), 9U);
}

TEST(ColumnGenerators, CountPlainly) {
  const auto first = [](const std::string& name) {
    const ColumnType type = BuiltIn(name);
    std::vector<std::string> values;
    for (const std::uint64_t n : {0, 1, 27}) values.push_back(*GeneratorFor(type).Nth(type, n));
    return values;
  };
  using Values = std::vector<std::string>;
  EXPECT_EQ(first("bigint"), (Values{"1", "2", "28"}));
  EXPECT_EQ(first("text"), (Values{"a", "b", "ab"}));
  EXPECT_EQ(first("date"), (Values{"2000-01-02", "2000-01-03", "2000-01-29"}));
  EXPECT_EQ(first("boolean[]"), (Values{"{\"f\"}", "{\"t\"}", "{\"t\",\"t\",\"f\",\"t\"}"}));
}

TEST(ColumnGenerators, DoNotFailOnTypesWithoutAnyValueKnown) {
  ColumnType bare;
  bare.form = ColumnType::Form::kEnum;
  for (const ColumnType& type : {bare, BuiltIn("public.never_heard_of")}) {
    Random random(1);
    EXPECT_EQ(GeneratorFor(type).Draw(type, random), "");
    EXPECT_EQ(GeneratorFor(type).Simplest(type), "");
    EXPECT_TRUE(GeneratorFor(type).Edges(type).empty());
    EXPECT_FALSE(GeneratorFor(type).Nth(type, 0));
    EXPECT_TRUE(GeneratorFor(type).Shrink(type, "").empty());
  }
}

}  // namespace
}  // namespace migproof
