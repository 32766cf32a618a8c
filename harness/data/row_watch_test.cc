#include "harness/data/row_watch.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <tuple>
#include <utility>

#include "harness/data/row_generator.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"

namespace migproof {
namespace {

constexpr const char* kGround = R"sql(
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE parent (id bigserial PRIMARY KEY, m mood);
CREATE TABLE child (id bigserial PRIMARY KEY, parent bigint REFERENCES parent ON DELETE CASCADE, note text);
CREATE TABLE "Odd name" (b int, a int);
CREATE SCHEMA s1;
CREATE SEQUENCE s1.loose;
CREATE SEQUENCE s1.moved;
ALTER SEQUENCE s1.moved RESTART 30;
CREATE TABLE s1.other (a int);
INSERT INTO s1.other VALUES (1);
INSERT INTO parent (m) VALUES ('sad'), ('ok'), (NULL);
INSERT INTO child (parent, note) VALUES (1, 'x'), (2, NULL);
)sql";

// A database with the ground in it, and a session there.
std::pair<std::unique_ptr<Database>, std::unique_ptr<Session>> OnGround() {
  auto database = Database::Create(TestServer());
  auto session = database->Connect();
  session->Execute(kGround);
  return {std::move(database), std::move(session)};
}

// A statement, and whether the watch is told that it does the same to the catalog each time.
class RowWatchTest : public testing::TestWithParam<std::tuple<const char*, bool>> {};

// Whatever a transaction does, the watch sees what a whole reading sees: now, after ROLLBACK, and the next time.
TEST_P(RowWatchTest, SeesWhatAWholeReadingSees) {
  const auto ground = OnGround();
  const auto& session = ground.second;
  const RowSnapshot base = ReadRows(*session, {});
  RowWatch watch(*session, {});
  watch.Begin();
  EXPECT_EQ(watch.base(), base);
  const auto& [statement, same_each_time] = GetParam();
  const std::string way = same_each_time ? "there" : "";
  for (int round = 0; round < 3; ++round) {
    watch.Start();
    session->Execute(fmt::format("INSERT INTO child (parent, note) VALUES (3, 'new {}')", round));
    EXPECT_EQ(*watch.Look(), ReadRows(*session, {}));
    session->Execute(statement);
    EXPECT_EQ(*watch.Look(way), ReadRows(*session, {}));
    session->Execute("UPDATE parent SET id = id + 100 WHERE id > 100000");
    session->Execute(fmt::format("INSERT INTO parent (id, m) VALUES ({}, 'ok')", 77 + round));
    EXPECT_EQ(*watch.Look(way.empty() ? "" : "and on"), ReadRows(*session, {}));
    watch.Rewind();
    EXPECT_EQ(ReadRows(*session, {}), base);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Statements, RowWatchTest,
    testing::Combine(
        testing::Values(
            "SELECT 1", "UPDATE child SET note = 'y'", "DELETE FROM child", "TRUNCATE child",
            "DELETE FROM parent WHERE id = 1", "ALTER TABLE child DROP COLUMN note",
            "ALTER TABLE child DROP COLUMN note; ALTER TABLE child ADD COLUMN note text DEFAULT 'z'",
            "ALTER TABLE child RENAME note TO zz", "ALTER TABLE child RENAME note TO noted",
            "ALTER TABLE child ALTER note TYPE varchar(1) USING left(note, 1)",
            "ALTER TABLE child ALTER note TYPE text COLLATE \"C\"", "DROP TABLE child",
            "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'", "CREATE TABLE fresh AS SELECT 1 AS one",
            "INSERT INTO \"Odd name\" VALUES (1, 2)", "ALTER TABLE \"Odd name\" RENAME TO other",
            "CREATE SCHEMA s; ALTER TABLE child SET SCHEMA s", "ALTER SEQUENCE child_id_seq RESTART WITH 500",
            "SELECT nextval('child_id_seq'), setval('parent_id_seq', 900)", "SELECT nextval('s1.loose')",
            "SELECT setval('child_id_seq', 500, false)", "SELECT nextval('s1.moved')",
            "ALTER TABLE child DISABLE TRIGGER ALL; DELETE FROM parent", "ALTER SCHEMA s1 RENAME TO s2",
            "DROP SCHEMA s1 CASCADE", "DROP SEQUENCE s1.loose",
            "ALTER SEQUENCE s1.loose INCREMENT 5; SELECT nextval('s1.loose')", "CREATE SEQUENCE fresh START 7",
            "ALTER SEQUENCE s1.loose RENAME TO tight", "DROP TABLE child; CREATE TABLE child (id int)",
            "ALTER TABLE child RENAME TO c; ALTER TABLE s1.other RENAME TO child; "
            "ALTER TABLE s1.child SET SCHEMA public",
            "UPDATE pg_attribute SET attname = 'by_hand' WHERE attrelid = 'child'::regclass AND attname = 'note'",
            "UPDATE pg_class SET relname = 'by_hand' WHERE oid = 'child'::regclass",
            "DO $$ BEGIN BEGIN DROP TABLE child; RAISE 'no'; EXCEPTION WHEN raise_exception THEN NULL; END; "
            "UPDATE child SET note = 'kept'; END $$",
            "ALTER TABLE parent ALTER id DROP DEFAULT; DROP SEQUENCE parent_id_seq",
            "CREATE TEMP TABLE child (id int); INSERT INTO pg_temp.child VALUES (1)",
            "CREATE TYPE fresh AS ENUM ('a'); ALTER TABLE child ADD COLUMN f fresh DEFAULT 'a'",
            "ALTER TYPE mood ADD VALUE 'so'", "ALTER TABLE child ADD COLUMN n bigserial",
            "ALTER TABLE s1.other SET UNLOGGED",
            "CREATE VIEW v AS SELECT 1; DROP VIEW v; CREATE INDEX ON child (note)"),
        testing::Bool()));

TEST(RowWatch, KnowsWhatComesNextWhereNoValueWasTaken) {
  const auto [database, session] = OnGround();
  EXPECT_EQ(ReadRows(*session, {}).sequences.at("s1.moved"), (SequenceState{30, false, 1}));
  RowWatch watch(*session, {});
  watch.Begin();
  watch.Start();
  session->Execute(
      "SELECT nextval('s1.moved'), setval('child_id_seq', 500, false); ALTER SEQUENCE parent_id_seq RESTART 9");
  const auto seen = watch.Look();
  EXPECT_EQ(seen->sequences.at("public.child_id_seq"), (SequenceState{500, false, 1}));
  EXPECT_EQ(seen->sequences.at("public.parent_id_seq"), (SequenceState{9, false, 1}));
  watch.Rewind();
  EXPECT_EQ(session->Query("SELECT nextval('s1.moved')").GetInt(0, 0), 30);
}

TEST(RowWatch, ReadsNothingAgainThatWasGivenBackOnInsertion) {
  const auto ground = OnGround();
  const auto& session = ground.second;
  session->Execute("CREATE RULE r AS ON INSERT TO s1.other DO ALSO SELECT 1");
  RowWatch watch(*session, {});
  watch.Begin();
  EXPECT_TRUE(watch.Want({"public.child", "s1.other", "public.nowhere"}));
  EXPECT_FALSE(watch.Want({"public.child"}));
  EXPECT_EQ(watch.returning(), (std::map<std::string, std::string>{{"public.child", "id, note, parent"}}));
  for (int round = 0; round < 2; ++round) {
    watch.Start();
    session->Execute("INSERT INTO child (id, parent, note) VALUES (70, 1, 'new'), (71, NULL, NULL)");
    const std::vector<std::vector<Cell>> told = {{"70", "told", "1"}, {"71", std::nullopt, std::nullopt}};
    watch.Inserted({{{"public.child", {"id", "parent", "note"}, {{}, {}}}}}, {{"public.child", told}});
    const auto seen = watch.Look();
    const TableRows& rows = *seen->tables.at("public.child");
    EXPECT_EQ(rows.count, 4);
    EXPECT_EQ(rows.rows[2], (std::vector<Cell>{"70", "told", "1"}));
    session->Execute("UPDATE parent SET m = NULL");
    EXPECT_EQ(watch.Look()->tables.at("public.child")->rows, rows.rows);
    session->Execute("UPDATE child SET note = 'y' WHERE id = 71");
    EXPECT_EQ(*watch.Look(), ReadRows(*session, {}));
    watch.Rewind();
  }
}

// A trigger that writes as well: more changes than rows given back.
TEST(RowWatch, ReadsWhereMoreWasDoneThanInserted) {
  const auto ground = OnGround();
  const auto& session = ground.second;
  session->Execute(
      "CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS"
      " $$ BEGIN UPDATE child SET note = 'later' WHERE id = NEW.id; RETURN NULL; END $$;"
      "CREATE TRIGGER later AFTER INSERT ON child FOR EACH ROW EXECUTE FUNCTION later()");
  RowWatch watch(*session, {});
  watch.Begin();
  watch.Start();
  session->Execute("INSERT INTO child (id, parent, note) VALUES (70, 1, 'new')");
  watch.Inserted({{{"public.child", {"id", "parent", "note"}, {{"70", "1", "new"}}}}}, {});
  EXPECT_EQ(*watch.Look(), ReadRows(*session, {}));
}

// What changes rows that nobody has read makes them wanted, and so does whoever looks at them.
class UnreadRowsTest : public testing::TestWithParam<std::pair<const char*, std::set<std::string>>> {};

TEST_P(UnreadRowsTest, AreWantedOnceTheyChange) {
  const auto ground = OnGround();
  const auto& session = ground.second;
  RowWatch watch(*session, {});
  watch.Begin();
  const auto& [statement, wanted] = GetParam();
  const Dataset rows{{{"public.parent", {"id"}, {{"8"}}}, {"public.child", {"id", "note"}, {{"9", "x"}, {"10", "y"}}}}};
  const auto begin = [&] {
    watch.Start();
    auto stored = Insert(*session, rows, {.returning = &watch.returning()});
    ASSERT_TRUE(stored.at_once);
    watch.Inserted(rows, stored.stored);
  };
  begin();
  const auto before = watch.Look();
  EXPECT_EQ(before->Count(), 9);
  EXPECT_EQ(before->tables.at("public.child").count(), 4);
  EXPECT_THROW(*before->tables.at("public.child"), RowsWanted);
  EXPECT_TRUE(before->tables.at("public.child").IsSame(watch.Look()->tables.at("public.child")));
  session->Execute(statement);
  std::set<std::string> asked;
  try {
    watch.Look();
  } catch (const RowsWanted& thrown) {
    asked = thrown.tables;
  }
  EXPECT_EQ(asked, wanted);
  watch.Rewind();
  if (wanted.empty()) return;
  EXPECT_TRUE(watch.Want(wanted));
  begin();
  const auto once_more = watch.Look();
  EXPECT_EQ(once_more->tables.at("public.child")->count, 4);
  session->Execute(statement);
  const RowSnapshot now = ReadRows(*session, {});
  const auto seen = watch.Look();
  EXPECT_EQ(seen->tables.contains("public.child"), now.tables.contains("public.child"));
  if (now.tables.contains("public.child")) {
    EXPECT_EQ(seen->tables.at("public.child"), now.tables.at("public.child"));
  }
  watch.Rewind();
}

INSTANTIATE_TEST_SUITE_P(
    Statements, UnreadRowsTest,
    testing::Values(std::pair("SELECT 1", std::set<std::string>{}),
                    std::pair("INSERT INTO s1.other VALUES (2)", std::set<std::string>{}),
                    std::pair("CREATE INDEX ON child (note)", std::set<std::string>{}),
                    std::pair("UPDATE child SET note = note", std::set<std::string>{"public.child"}),
                    std::pair("DELETE FROM child", std::set<std::string>{"public.child"}),
                    std::pair("TRUNCATE child", std::set<std::string>{"public.child"}),
                    std::pair("DROP TABLE child", std::set<std::string>{"public.child"}),
                    std::pair("ALTER TABLE child RENAME TO c", std::set<std::string>{"public.child"}),
                    std::pair("ALTER TABLE child DROP COLUMN note", std::set<std::string>{"public.child"}),
                    std::pair("ALTER TABLE child ALTER note TYPE varchar(9)", std::set<std::string>{"public.child"}),
                    std::pair("ALTER TABLE child RENAME note TO n", std::set<std::string>{"public.child"}),
                    std::pair("ALTER SCHEMA s1 RENAME TO s2; INSERT INTO child VALUES (77)",
                              std::set<std::string>{"public.child"}),
                    std::pair("DELETE FROM parent WHERE id = 1; ALTER TABLE child ADD COLUMN n int",
                              std::set<std::string>{"public.child", "public.parent"}),
                    std::pair("ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'; DROP TABLE child",
                              std::set<std::string>{"public.child", "public.parent"})));

TEST(RowWatch, LeavesOutWhatItIsToldTo) {
  const auto ground = OnGround();
  const auto& session = ground.second;
  RowWatch watch(*session, {"public.child"});
  watch.Begin();
  EXPECT_EQ(watch.base(), ReadRows(*session, {"public.child"}));
}

// What opens the transaction may go along with the rows, and the answer to the look's question may come with them.
TEST(RowWatchOpening, GoesAlongWhereTheCountersStandAtZero) {
  const auto ground = OnGround();
  const auto& session = ground.second;
  RowWatch watch(*session, {});
  watch.Begin();
  watch.Start();
  watch.Rewind();
  const bool knows = session->major_version() >= 15;
  for (int round = 0; round < 3; ++round) {
    std::vector<Session::Prepared> sent = watch.Opening();
    ASSERT_EQ(sent.size(), knows ? 1U : 0U);
    sent.push_back({"", "INSERT INTO child (parent, note) VALUES (3, 'new')", {}});
    sent.push_back(watch.Question());
    watch.Told(session->QueryAll(sent).back());
    EXPECT_EQ(*watch.Look(), ReadRows(*session, {}));
    watch.Rewind();
  }
  session->Execute("BEGIN; INSERT INTO parent (m) VALUES ('ok'); ROLLBACK");
  EXPECT_TRUE(watch.Opening().empty()) << "the counters may stand elsewhere";
  EXPECT_EQ(session->transaction_state(), TransactionState::kOpen);
  session->Execute("DELETE FROM child");
  EXPECT_EQ(*watch.Look(), ReadRows(*session, {}));
  watch.Rewind();
}

TEST(RowWatchOpening, AnswersHoldUntilSomethingElseIsSent) {
  const auto ground = OnGround();
  const auto& session = ground.second;
  RowWatch watch(*session, {});
  watch.Begin();
  watch.Start();
  const Rows answer = session->QueryAll({watch.Question()}).front();
  watch.Told(answer);
  const std::uint64_t requests = session->requests();
  watch.Look();
  EXPECT_EQ(session->requests(), requests) << "nothing has changed: there is nothing to ask";
  watch.Told(answer);
  session->Execute("UPDATE child SET note = 'y'");
  EXPECT_EQ(*watch.Look(), ReadRows(*session, {}));
}

}  // namespace
}  // namespace migproof
