#include "harness/data/row_generator.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/data/schema_for_test.h"

namespace migproof {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::Pair;

// What many cases came to, each rolled back.
class Filled {
 public:
  void Add(Session& session, const Dataset& dataset) {
    const Transaction transaction(session);
    const InsertResult result = Insert(session, dataset);
    for (const DatasetTable& table : result.inserted->tables) {
      for (std::size_t i = 0; i < table.columns.size(); ++i) {
        for (const auto& row : table.rows) (row[i] ? filled : null).insert({table.table, table.columns[i]});
      }
    }
    for (const auto& [table, fill] : result.tables) {
      TableFill& total = tables[table];
      total.inserted += fill.inserted;
      total.refused += fill.refused;
      for (const auto& [reason, count] : fill.refusals) total.refusals[reason] += count;
    }
    ++cases;
  }

  double RefusedShare() const {
    std::int64_t inserted = 0;
    std::int64_t refused = 0;
    for (const auto& [table, fill] : tables) {
      inserted += fill.inserted;
      refused += fill.refused;
    }
    return static_cast<double>(refused) / static_cast<double>(std::max<std::int64_t>(1, inserted + refused));
  }

  std::string Refusals() const {
    std::string text;
    for (const auto& [table, fill] : tables) {
      for (const auto& [reason, count] : fill.refusals) {
        text += fmt::format("{}: {} of {}: {}\n", table, count, fill.inserted + fill.refused, reason);
      }
    }
    return text;
  }

  int cases = 0;
  std::set<std::pair<std::string, std::string>> null;    // tables and columns seen so
  std::set<std::pair<std::string, std::string>> filled;  // likewise, not NULL
  std::map<std::string, TableFill> tables;
};

class RowGeneratorTest : public testing::Test {
 protected:
  static Filled Fill(FilledDatabase& database, const RowGenerator& generator, int cases) {
    Filled filled;
    for (int i = 0; i < cases; ++i) {
      Random random(static_cast<std::uint64_t>(i));
      filled.Add(database.session(), generator.Draw(random));
    }
    return filled;
  }
};

TEST_F(RowGeneratorTest, FillsEveryTableOfTheSchema) {
  FilledDatabase database;
  const RowGenerator generator(database.catalog(), database.rows(), {});
  EXPECT_THAT(generator.unfillable(),
              ElementsAre(Pair("public.unpartitioned", "public.unpartitioned: it has no partition")));
  const Filled filled = Fill(database, generator, 100);
  for (const std::string& name : database.catalog().Names("table")) {
    const bool partition = !database.catalog().Attribute("table", name, "partition_bound").empty();
    if (partition || name == "public.unpartitioned") continue;
    ASSERT_THAT(filled.tables, Contains(Key(name)));
    EXPECT_GT(filled.tables.at(name).inserted, 60) << name;
  }
  EXPECT_LT(filled.RefusedShare(), 0.05) << filled.Refusals();
}

TEST_F(RowGeneratorTest, ShowsEveryNullableColumnBothWays) {
  FilledDatabase database;
  const RowGenerator generator(database.catalog(), database.rows(), {});
  const Filled filled = Fill(database, generator, 100);
  int nullable = 0;
  int both = 0;
  for (const auto& [key, column] : database.catalog().objects()) {
    if (key.kind != "column" || column.attributes.at("not_null") != "false" ||
        column.attributes.contains("generated")) {
      continue;
    }
    const auto fill = filled.tables.find(column.relation);
    if (fill == filled.tables.end() || key.name == "public.customers.country" || key.name == "public.guarded.v")
      continue;
    const std::string name = key.name.substr(column.relation.size() + 1);
    ++nullable;
    const std::pair<std::string, std::string> cell(column.relation, name);
    const bool seen = filled.null.contains(cell) && filled.filled.contains(cell);
    both += seen ? 1 : 0;
    EXPECT_TRUE(seen) << key.name;
  }
  EXPECT_GT(nullable, 30);
  EXPECT_GE(both, nullable * 99 / 100);
}

TEST_F(RowGeneratorTest, SameSeedSameBytes) {
  FilledDatabase database;
  const RowGenerator one(database.catalog(), database.rows(), {});
  const RowGenerator other(database.catalog(), database.rows(), {});
  std::set<std::string> different;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    Random again(seed);
    const std::string text = ToJson(one.Draw(random)).dump();
    EXPECT_EQ(text, ToJson(other.Draw(again)).dump());
    different.insert(text);
  }
  EXPECT_EQ(different.size(), 20U);
}

TEST_F(RowGeneratorTest, AvoidsAndUsesTheRowsThatAreThere) {
  FilledDatabase database(
      "CREATE TABLE \"P\" (id smallint PRIMARY KEY, \"Code\" text UNIQUE); CREATE TABLE c (p smallint NOT NULL "
      "REFERENCES "
      "\"P\", code text REFERENCES \"P\" (\"Code\"), UNIQUE (p));"
      "INSERT INTO \"P\" SELECT i, 'k' || i FROM generate_series(-20, 120) i; INSERT INTO c VALUES (1, 'k1'), (2, "
      "NULL)");
  const RowGenerator generator(database.catalog(), database.rows(), {.leave_out = {"public.\"P\""}});
  const Filled children = Fill(database, generator, 50);
  EXPECT_THAT(children.tables, Not(Contains(Key("public.\"P\""))));
  EXPECT_GT(children.tables.at("public.c").inserted, 50);
  EXPECT_EQ(children.Refusals(), "");
  const RowGenerator both(database.catalog(), database.rows(), {});
  const Filled filled = Fill(database, both, 50);
  EXPECT_GT(filled.tables.at("public.\"P\"").inserted, 50);
  EXPECT_EQ(filled.Refusals(), "");
}

TEST_F(RowGeneratorTest, CountsOnBeyondRowsThatTheSnapshotDoesNotKeep) {
  FilledDatabase database(
      "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, '' FROM generate_series(-10, 10100) i");
  ASSERT_FALSE(database.rows().tables.at("public.t")->checksum.empty());
  const RowGenerator generator(database.catalog(), database.rows(), {});
  const Filled filled = Fill(database, generator, 20);
  EXPECT_EQ(filled.Refusals(), "");
  EXPECT_GT(filled.tables.at("public.t").inserted, 20);
}

TEST_F(RowGeneratorTest, CountsUpWhereASequenceHasFedAColumn) {
  FilledDatabase database("CREATE TABLE jobs (id integer PRIMARY KEY, place integer)");
  const auto any_below_one = [&](const std::set<std::string>& numbered) {
    const RowGenerator generator(database.catalog(), database.rows(), {.numbered = numbered});
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
      Random random(seed);
      for (const DatasetTable& table : generator.Draw(random).tables) {
        const auto id = std::find(table.columns.begin(), table.columns.end(), "id") - table.columns.begin();
        for (const auto& row : table.rows) {
          if (std::stoll(*row[static_cast<std::size_t>(id)]) < 1) return true;
        }
      }
    }
    return false;
  };
  EXPECT_TRUE(any_below_one({}));
  EXPECT_FALSE(any_below_one({"public.jobs.id"}));
}

TEST_F(RowGeneratorTest, SaysWhyATableCannotBeFilled) {
  FilledDatabase database(
      "CREATE TYPE blank AS ENUM (); CREATE TABLE a (v blank NOT NULL); CREATE TABLE b (id int PRIMARY KEY); CREATE "
      "TABLE c "
      "(b int NOT NULL REFERENCES b); CREATE TABLE d (v int NOT NULL CHECK (v > 3 AND v < 2)); CREATE TABLE e (v "
      "blank)");
  const RowGenerator generator(database.catalog(), database.rows(), {.leave_out = {"public.b"}});
  EXPECT_THAT(generator.unfillable(),
              ElementsAre(Pair("public.a", "public.a: no value of type public.blank is known for v"),
                          Pair("public.c", "public.c: nothing to refer to in public.b"),
                          Pair("public.d", "public.d: no value passes its CHECKs")));
  EXPECT_EQ(Fill(database, generator, 5).tables.size(), 1U);
}

TEST_F(RowGeneratorTest, FillsTheFocusAndFewOthers) {
  std::string schema =
      "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, p int REFERENCES p);"
      "CREATE TABLE r (t int REFERENCES t);";
  for (int i = 0; i < 40; ++i) schema += fmt::format("CREATE TABLE other_{} (a int);", i);
  FilledDatabase database(schema);
  const RowGenerator generator(database.catalog(), database.rows(), {.focus = {"public.t"}});
  std::map<std::string, int> cases;
  constexpr int kCases = 200;
  for (std::uint64_t seed = 0; seed < kCases; ++seed) {
    Random random(seed);
    const Dataset dataset = generator.Draw(random);
    EXPECT_LT(dataset.tables.size(), 9U);
    for (const DatasetTable& table : dataset.tables) ++cases[table.table];
  }
  EXPECT_EQ(cases["public.p"], kCases);
  EXPECT_EQ(cases["public.t"], kCases);
  EXPECT_GT(cases["public.r"], kCases / 3);
  EXPECT_LT(cases["public.r"], kCases * 3 / 4);
  EXPECT_EQ(cases.size(), 43U);
  Random random(1);
  EXPECT_EQ(generator.Draw(random, true).tables.size(), 43U);
}

TEST_F(RowGeneratorTest, LeavesEachColumnNullInABroadDraw) {
  FilledDatabase database(
      "CREATE TABLE p (id int PRIMARY KEY, up int REFERENCES p);"
      "CREATE TABLE t (id int PRIMARY KEY, a int, b text DEFAULT 'b', c date, d int REFERENCES p, e text NOT NULL,"
      "                f int GENERATED ALWAYS AS (a / 2) STORED);"
      "CREATE TABLE one_of (a int, b int, CHECK (num_nonnulls(a, b) = 1))");
  const RowGenerator generator(database.catalog(), database.rows(), {.focus = {"public.p"}});
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    const Transaction transaction(database.session());
    const Dataset dataset = generator.Draw(random, true);
    EXPECT_EQ(*Insert(database.session(), dataset).inserted, dataset);
    const auto count = [&](const char* table, const char* condition) {
      return database.session().Query(fmt::format("SELECT count(*) FROM {} WHERE {}", table, condition)).GetInt(0, 0);
    };
    EXPECT_GE(count("t", "a IS NULL AND b IS NULL AND c IS NULL AND d IS NULL"), 1) << "seed " << seed;
    EXPECT_GE(count("p", "up IS NULL"), 1) << "seed " << seed;
    EXPECT_GE(count("one_of", "true"), 1) << "seed " << seed;
  }
}

TEST_F(RowGeneratorTest, FollowsALongChainOfReferencesAsFarAsItMust) {
  for (const bool may_be_null : {true, false}) {
    std::string schema = "CREATE TABLE c0 (id int PRIMARY KEY);";
    for (int i = 1; i < 30; ++i) {
      schema += fmt::format("CREATE TABLE c{} (id int PRIMARY KEY, c int {} REFERENCES c{});", i,
                            may_be_null ? "" : "NOT NULL", i - 1);
    }
    FilledDatabase database(schema);
    const RowGenerator generator(database.catalog(), database.rows(), {.focus = {"public.c29"}});
    std::size_t most = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      Random random(seed);
      const Transaction transaction(database.session());
      const Dataset dataset = generator.Draw(random);
      most = std::max(most, dataset.tables.size());
      EXPECT_EQ(*Insert(database.session(), dataset).inserted, dataset);
      const Rows filled = database.session().Query("SELECT count(*) FROM c29");
      EXPECT_NE(filled.Get(0, 0), "0");
    }
    if (may_be_null) {
      EXPECT_LE(most, 10U);
    } else {
      EXPECT_EQ(most, 30U);
    }
  }
}

TEST_F(RowGeneratorTest, DrawsWhatIsAimedAtEveryOtherTime) {
  FilledDatabase database(
      "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, a text, b text NOT NULL, p int)");
  Targets targets;
  targets.tables["public.t"] = {.rows = {{{"a", "x y"}, {"b", "O'Neil"}}},
                                .agree = {{"a", "b"}},
                                .orphans = {{{"p"}, "public.p", {"id"}}},
                                .nulls = {"a"}};
  const RowGenerator generator(database.catalog(), database.rows(), {}, targets);
  constexpr int kCases = 100;
  int aimed = 0;
  int agreeing = 0;
  int orphans = 0;
  for (std::uint64_t seed = 0; seed < kCases; ++seed) {
    Random random(seed);
    const Transaction transaction(database.session());
    const Dataset dataset = generator.Draw(random);
    EXPECT_EQ(*Insert(database.session(), dataset).inserted, dataset);
    const auto holds = [&](const char* query) { return database.session().Query(query).GetBool(0, 0) ? 1 : 0; };
    aimed += holds("SELECT EXISTS (SELECT FROM t WHERE a = 'x y' AND b = 'O''Neil')");
    agreeing +=
        holds("SELECT EXISTS (SELECT FROM t x JOIN t y ON x.id < y.id AND x.a IS NOT DISTINCT FROM y.a AND x.b = y.b)");
    orphans += holds("SELECT EXISTS (SELECT FROM t WHERE p NOT IN (SELECT id FROM p))");
  }
  for (const int cases : {aimed, agreeing, orphans}) {
    EXPECT_GT(cases, kCases / 4);
    EXPECT_LT(cases, kCases * 3 / 4);
  }
}

TEST_F(RowGeneratorTest, ReplaysByItsStatements) {
  FilledDatabase database;
  const RowGenerator generator(database.catalog(), database.rows(), {});
  const auto stored = [&] { return ReadRows(database.session(), {}); };
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    Random random(seed);
    const Transaction transaction(database.session());
    database.session().Execute("SAVEPOINT s");
    const Dataset inserted = *Insert(database.session(), generator.Draw(random)).inserted;
    const RowSnapshot once = stored();
    database.session().Execute("ROLLBACK TO SAVEPOINT s");
    for (const std::string& statement : InsertStatements(DatasetFromJson(ToJson(inserted)))) {
      database.session().Execute(statement);
    }
    EXPECT_THAT(CompareRows(once, stored(), {.unstable = VolatileDefaults(database.catalog())}), IsEmpty());
  }
}

class SystemModels : public RowGeneratorTest, public testing::WithParamInterface<const char*> {};

TEST_P(SystemModels, AreFilled) {
  std::ifstream file(std::string(MIGPROOF_SOURCE_DIR) + "/fixtures/systems/" + GetParam() + "/model.sql");
  ASSERT_TRUE(file.good());
  std::stringstream text;
  text << file.rdbuf();
  FilledDatabase database(text.str());
  const RowGenerator generator(database.catalog(), database.rows(), {});
  EXPECT_THAT(generator.unfillable(), IsEmpty());
  const Filled filled = Fill(database, generator, 30);
  for (const std::string& name : database.catalog().Names("table")) {
    ASSERT_THAT(filled.tables, Contains(Key(name)));
    EXPECT_GT(filled.tables.at(name).inserted, 30) << name;
  }
  EXPECT_LT(filled.RefusedShare(), 0.05) << filled.Refusals();
}

INSTANTIATE_TEST_SUITE_P(All, SystemModels, testing::Values("aria", "aria_engine", "soma", "change_control"),
                         [](const auto& system) { return std::string(system.param); });

TEST_F(RowGeneratorTest, LeavesNothingToDefaultsThatAskWhatTheConnectionHasDrawn) {
  FilledDatabase database(
      "CREATE TABLE t (id serial PRIMARY KEY, name text NOT NULL DEFAULT 't' || currval('t_id_seq'), "
      "last bigint NOT NULL DEFAULT lastval(), note text NOT NULL DEFAULT 'x');");
  const RowGenerator generator(database.catalog(), database.rows(), {});
  int left_to_default = 0;
  for (int i = 0; i < 60; ++i) {
    Random random(static_cast<std::uint64_t>(i));
    const Dataset drawn = generator.Draw(random);
    for (const DatasetTable& table : drawn.tables) {
      EXPECT_THAT(table.columns, testing::IsSupersetOf({"name", "last"}));
      left_to_default += std::ranges::count(table.columns, "note") == 0 ? 1 : 0;
    }
  }
  EXPECT_GT(left_to_default, 0);
}

TEST_F(RowGeneratorTest, RefersToNoRowWhoseKeyIsAnotherInEveryDatabase) {
  const FilledDatabase database(
      "CREATE TABLE clubs (id uuid PRIMARY KEY); CREATE TABLE teams (id int PRIMARY KEY, club uuid NOT NULL REFERENCES "
      "clubs); INSERT INTO clubs VALUES ('00000000-0000-4000-8000-00000000cafe')");
  for (const bool unsteady : {false, true}) {
    RowGeneratorOptions options;
    if (unsteady) options.unsteady = {"public.clubs.id"};
    const RowGenerator generator(database.catalog(), database.rows(), options);
    Random random(3);
    int to_the_row = 0;
    for (int i = 0; i < 60; ++i) {
      for (const std::string& statement : InsertStatements(generator.Draw(random))) {
        if (statement.find("teams") != std::string::npos && statement.find("cafe") != std::string::npos) ++to_the_row;
      }
    }
    EXPECT_EQ(to_the_row == 0, unsteady) << to_the_row;
  }
}

TEST_F(RowGeneratorTest, KeepsToChecksAcrossColumnsAndOfDefaults) {
  FilledDatabase database(
      "CREATE TABLE offers (id int PRIMARY KEY, since timestamptz NOT NULL, till timestamptz NOT NULL, CHECK (since < "
      "till));"
      "CREATE TABLE stays (id int PRIMARY KEY, arrival date NOT NULL, departure date, CHECK (arrival <= departure));"
      "CREATE TABLE grants (id int PRIMARY KEY, given timestamptz NOT NULL DEFAULT now(), taken timestamptz, "
      "CHECK (taken IS NULL OR taken >= given));"
      "CREATE TABLE ranks (id int PRIMARY KEY, low int NOT NULL DEFAULT 0, high int NOT NULL, CHECK (low < high));"
      "CREATE TABLE hosts (id int PRIMARY KEY, state text NOT NULL DEFAULT 'up' CHECK (state IN ('up', 'down')), "
      "address text, CHECK (state = 'down' OR address IS NOT NULL));"
      "CREATE TABLE tokens (id int PRIMARY KEY, kind int NOT NULL DEFAULT 0, CHECK (kind = 1 OR kind = 2));"
      "CREATE TABLE tags (id int PRIMARY KEY, tag text NOT NULL, CHECK (char_length(trim(tag)) > 0));");
  const Filled filled = Fill(database, RowGenerator(database.catalog(), database.rows(), {}), 60);
  EXPECT_LT(filled.RefusedShare(), 0.01) << filled.Refusals();
}

}  // namespace
}  // namespace migproof
