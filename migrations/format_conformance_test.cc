// One small history, written in each registered format under fixtures/histories/: it must read, run and be recorded
// alike everywhere. A transactional step, one that can't run in a transaction, one that changes rows, one that can't be
// undone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "ci/expect_error.h"
#include "ci/psql.h"
#include "ci/temp_directory.h"
#include "fixtures/histories/code/history.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "migrations/format.h"
#include "migrations/offline.h"
#include "migrations/recognise.h"
#include "migrations/runner.h"

namespace migproof {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::size_t kSteps = 4;
constexpr std::size_t kReversible = 3;

std::filesystem::path FixtureOf(const std::string& format) {
  return std::filesystem::path(MIGPROOF_SOURCE_DIR) / "fixtures" / "histories" / format;
}

// Formats whose tools run each step in a transaction, whatever it holds: there the second step is a plain index.
const std::set<std::string> kAlwaysInTransaction = {"authelia", "maragudk"};

std::vector<std::string> TextsOf(const Section& section, bool plain_index = false) {
  std::vector<std::string> texts;
  for (const Statement& statement : section.script.statements()) {
    std::string text(section.script.Text(statement));
    const std::string_view word = " CONCURRENTLY";
    if (const std::size_t at = text.find(word); plain_index && at != std::string::npos) text.erase(at, word.size());
    texts.push_back(text);
  }
  return texts;
}

// What the history makes, as text: columns, indexes, comments, rows.
std::string StateOf(Session& session) {
  const Rows rows = session.Query(R"(
    SELECT string_agg(line, E'\n' ORDER BY line) FROM (
      SELECT 'column ' || a.attrelid::regclass || '.' || attname || ' ' || format_type(atttypid, atttypmod) || attnotnull
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
       WHERE relname = 'accounts' AND attnum > 0 AND NOT attisdropped
      UNION ALL SELECT 'index ' || indexrelid::regclass || indisvalid FROM pg_index WHERE indrelid = to_regclass('accounts')
      UNION ALL SELECT 'comment ' || obj_description(to_regclass('accounts'), 'pg_class')) AS lines (line))");
  std::string state(rows.Get(0, 0));
  if (!session.Query("SELECT to_regclass('accounts')").IsNull(0, 0)) {
    const Rows accounts =
        session.Query("SELECT coalesce(string_agg(a::text, E'\\n' ORDER BY id), '') FROM accounts AS a");
    state += "\n" + std::string(accounts.Get(0, 0));
  }
  return state;
}

std::vector<std::string> Recorded(const Ledger& ledger, Session& session, const History& history) {
  std::vector<std::string> lines;
  for (const LedgerEntry& entry : ledger.Read(session, history)) {
    lines.push_back(entry.revision + " " + entry.checksum + (entry.dirty ? " dirty" : ""));
  }
  return lines;
}

class FormatConformance : public testing::TestWithParam<std::string> {
 protected:
  FormatConformance()
      : format_(Registry<Format>::Get(GetParam())),
        history_(format_.Read(FixtureOf(GetParam()))),
        settings_{FixtureOf(GetParam()), "DATABASE_URL", {}},
        ledger_(format_.MakeLedger(settings_)),
        tool_(format_.MakeTool(settings_)),
        database_(Database::Create(TestServer())),
        session_(database_->Connect()),
        runner_(*session_, history_, *ledger_, Options()) {}

  // A tool of the user's runs the steps of its format itself.
  RunnerOptions Options() const {
    RunnerOptions options;
    options.tool = tool_.get();
    return options;
  }

  const std::vector<const Revision*>& order() const { return order_; }
  std::vector<std::string> Recorded() { return migproof::Recorded(*ledger_, *session_, history_); }
  void Upgrade(std::size_t steps) {
    for (const Revision* revision : history_.UpgradePath(runner_.Applied(), "+" + std::to_string(steps))) {
      runner_.Apply({Direction::kUpgrade, revision});
    }
  }

  const Format& format_;
  History history_;
  ToolSettings settings_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<StepTool> tool_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Session> session_;
  Runner runner_;
  std::vector<const Revision*> order_ = history_.Linear();
};

TEST_P(FormatConformance, ReadsTheSameHistory) {
  const History native(Registry<Format>::Get("native").Read(FixtureOf("native")));
  const bool plain_index = kAlwaysInTransaction.contains(GetParam());
  ASSERT_EQ(history_.size(), kSteps);
  EXPECT_TRUE(history_.IsLinear());
  for (std::size_t i = 0; i < kSteps; ++i) {
    const Revision& here = *order()[i];
    const Revision& there = *native.Linear()[i];
    if (here.upgrade.execution == Execution::kTool) {  // code: what it does shows when it runs
      EXPECT_EQ(here.upgrade.script.file(), here.where.file);
      EXPECT_GT(here.upgrade.script.first_line(), 1);
    } else {
      EXPECT_EQ(TextsOf(here.upgrade), TextsOf(there.upgrade, plain_index));
    }
    ASSERT_EQ(here.downgrade.has_value(), there.downgrade.has_value()) << here.id;
    if (here.downgrade && here.downgrade->execution != Execution::kTool) {
      EXPECT_EQ(TextsOf(*here.downgrade), TextsOf(*there.downgrade, plain_index));
    }
    EXPECT_EQ(here.Declares("irreversible"), i + 1 == kSteps);
    EXPECT_FALSE(here.title.empty());
    EXPECT_FALSE(here.ledger_key.empty());
    EXPECT_FALSE(here.where.empty());
    EXPECT_EQ(here.downgrade.has_value(), i < kReversible);
  }
}

TEST_P(FormatConformance, RunsToTheSameDatabase) {
  const History native(Registry<Format>::Get("native").Read(FixtureOf("native")));
  const auto native_ledger = Registry<Format>::Get("native").MakeLedger();
  const auto other = Database::Create(TestServer());
  const auto other_session = other->Connect();
  Runner other_runner(*other_session, native, *native_ledger, {});
  other_runner.Prepare();
  runner_.Prepare();
  for (std::size_t i = 0; i < kSteps; ++i) {
    runner_.Apply({Direction::kUpgrade, order()[i]});
    other_runner.Apply({Direction::kUpgrade, native.Linear()[i]});
    EXPECT_EQ(StateOf(*session_), StateOf(*other_session)) << order()[i]->id;
  }
  EXPECT_THAT(StateOf(*session_), HasSubstr("index accounts_name_idxtrue"));
  EXPECT_THAT(StateOf(*session_), HasSubstr("(2,Grace's)"));
}

TEST_P(FormatConformance, TheLedgerFollowsEachStepUpAndDown) {
  EXPECT_THAT(Recorded(), IsEmpty());  // no table yet
  runner_.Prepare();
  runner_.Prepare();
  std::vector<std::vector<std::string>> on_the_way = {Recorded()};
  std::vector<std::string> states = {StateOf(*session_)};
  EXPECT_THAT(on_the_way[0], IsEmpty());
  for (std::size_t i = 0; i < kReversible; ++i) {
    Upgrade(1);
    const std::vector<LedgerEntry> entries = ledger_->Read(*session_, history_);
    ASSERT_EQ(entries.size(), i + 1);
    for (std::size_t j = 0; j <= i; ++j) {
      EXPECT_EQ(entries[j].revision, order()[j]->id);
      EXPECT_FALSE(entries[j].dirty);
    }
    on_the_way.push_back(Recorded());
    states.push_back(StateOf(*session_));
  }
  for (std::size_t i = kReversible; i-- > 0;) {
    runner_.Apply({Direction::kDowngrade, order()[i]});
    EXPECT_EQ(Recorded(), on_the_way[i]);
    EXPECT_EQ(StateOf(*session_), states[i]);
  }
}

TEST_P(FormatConformance, StampLeavesTheLedgerThatAReplayLeaves) {
  const auto stamped = Database::Create(TestServer());
  const auto stamped_session = stamped->Connect();
  Runner stamper(*stamped_session, history_, *ledger_, Options());
  stamper.Prepare();
  runner_.Prepare();
  for (std::size_t i = 0; i < kSteps; ++i) {
    Upgrade(1);
    stamper.Apply({Direction::kStamp, order()[i]});
    EXPECT_EQ(Recorded(), migproof::Recorded(*ledger_, *stamped_session, history_));
  }
  EXPECT_TRUE(stamped_session->Query("SELECT to_regclass('accounts')").IsNull(0, 0));
  for (std::size_t i = 0; i <= kSteps; ++i) {
    const History::Applied wanted =
        history_.Closure(std::vector<const Revision*>(order().begin(), order().begin() + static_cast<long>(i)));
    stamper.Stamp(wanted);
    EXPECT_EQ(stamper.Applied(), wanted);
  }
  EXPECT_EQ(Recorded(), migproof::Recorded(*ledger_, *stamped_session, history_));
}

TEST_P(FormatConformance, WhatCannotBeUndoneIsRefused) {
  runner_.Prepare();
  Upgrade(kSteps);
  const std::string state = StateOf(*session_);
  const std::vector<std::string> recorded = Recorded();
  const Error error = ErrorOf([&] { runner_.Apply({Direction::kDowngrade, order().back()}); });
  EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  EXPECT_THAT(error.Render(), HasSubstr("revision '" + order().back()->id + "' has no downgrade"));
  EXPECT_EQ(StateOf(*session_), state);
  EXPECT_EQ(Recorded(), recorded);
}

// The same history with a third step whose second statement fails.
TEST_P(FormatConformance, AFailedStepLeavesAStateThatStampMends) {
  if (tool_ != nullptr) GTEST_SKIP() << "its steps are code: alembic_test.cc has one that fails";
  std::vector<Revision> revisions = history_.revisions();
  revisions[2].upgrade.script = Script::Parse(
      "INSERT INTO accounts (id, name) VALUES (7, 'x');\nINSERT INTO accounts (id) VALUES (8);", {"broken.sql", 1});
  const History broken(revisions);
  Runner runner(*session_, broken, *ledger_, {});
  runner.Prepare();
  const std::vector<const Revision*> order = broken.Linear();
  runner.Apply({Direction::kUpgrade, order[0]});
  runner.Apply({Direction::kUpgrade, order[1]});
  const std::string state = StateOf(*session_);
  const Error error = ErrorOf([&] { runner.Apply({Direction::kUpgrade, order[2]}); });
  EXPECT_EQ(error.sqlstate(), "23502");
  EXPECT_EQ(error.where(), (SourceLocation{"broken.sql", 2}));
  EXPECT_THAT(error.Render(), HasSubstr("in the upgrade of revision '" + order[2]->id + "'"));
  EXPECT_THAT(error.Render(), HasSubstr("nothing of this step is kept"));
  EXPECT_EQ(StateOf(*session_), state);
  EXPECT_EQ(session_->transaction_state(), TransactionState::kIdle);
  const History::Applied before = broken.Closure({order[1]});
  runner.Stamp(before);  // takes a tool's own mark away
  EXPECT_EQ(runner.Applied(), before);
  runner_.Apply({Direction::kUpgrade, order_[2]});
  EXPECT_EQ(runner_.Applied(), history_.Closure({order_[2]}));
}

TEST_P(FormatConformance, TheOfflineScriptEndsWhereTheOnlineRunEnds) {
  const TempDirectory directory;
  const auto offline = Database::Create(TestServer());
  const auto run = [&](const std::string& name, const std::string& text) {
    ASSERT_EQ(RunPsql(offline->Conninfo(), directory.Write(name, OfflineHeader(*ledger_) + text)), 0) << text;
  };
  std::string up;
  for (const Revision* revision : order())
    up += OfflineStep({Direction::kUpgrade, revision}, history_, *ledger_, Options());
  run("up.sql", up);
  runner_.Prepare();
  Upgrade(kSteps);
  const auto offline_session = offline->Connect();
  EXPECT_EQ(StateOf(*offline_session), StateOf(*session_));
  EXPECT_EQ(migproof::Recorded(*ledger_, *offline_session, history_), Recorded());
  const History::Applied all = history_.Closure(history_.Heads());
  run("stamp.sql", OfflineStamp(all, history_.Closure({order()[1]}), history_, *ledger_));
  runner_.Stamp(history_.Closure({order()[1]}));
  EXPECT_EQ(migproof::Recorded(*ledger_, *offline_session, history_), Recorded());
  run("down.sql", OfflineStep({Direction::kDowngrade, order()[1]}, history_, *ledger_, Options()));
  runner_.Apply({Direction::kDowngrade, order()[1]});
  EXPECT_EQ(StateOf(*offline_session), StateOf(*session_));
  EXPECT_EQ(migproof::Recorded(*ledger_, *offline_session, history_), Recorded());
}

TEST_P(FormatConformance, ItsTablesAreItsLedger) {
  runner_.Prepare();
  const Rows made = session_->Query(
      "SELECT relnamespace::regnamespace || '.' || relname FROM pg_class "
      "WHERE relkind = 'r' AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) "
      "ORDER BY 1");
  std::vector<std::string> tables;
  for (int i = 0; i < made.size(); ++i) tables.emplace_back(made.Get(i, 0));
  std::vector<std::string> named = ledger_->Tables();
  std::sort(named.begin(), named.end());
  EXPECT_EQ(tables, named);
}

TEST_P(FormatConformance, IsRecognised) {
  if (GetParam() == "code") GTEST_SKIP() << "its revisions are in no directory";
  const RecognisedFormat found = RecogniseFormat(FixtureOf(GetParam()));
  EXPECT_EQ(found.name, GetParam());
  EXPECT_THAT(found.by, testing::Not(testing::IsEmpty()));
  EXPECT_FALSE(format_.Recognise(FixtureOf("nowhere")));
  const TempDirectory empty;
  EXPECT_FALSE(format_.Recognise(empty.path()));
}

TEST_P(FormatConformance, NamesARevisionBehindItsLast) {
  if (GetParam() == "code") GTEST_SKIP() << "its revisions are written by hand";
  Revision wanted;
  wanted.id = "0123456789ab";
  wanted.title = "Add more accounts";
  wanted.parents = {order().back()->id};
  if (GetParam() == "sqitch") {  // the plan would have to be changed
    EXPECT_THAT(ErrorOf([&] { format_.MakeRevision(wanted); }).Render(), HasSubstr("'sqitch add NAME'"));
    return;
  }
  const TempDirectory copy;
  std::filesystem::copy(FixtureOf(GetParam()), copy.path(), std::filesystem::copy_options::recursive);
  for (const Format::NewFile& file : format_.MakeRevision(wanted)) {
    const std::filesystem::path base = GetParam() == "alembic" ? copy.path() / "migrations" : copy.path();
    std::filesystem::create_directories((base / file.path).parent_path());
    std::ofstream(base / file.path) << file.text;
  }
  const History longer(format_.Read(copy.path()));
  ASSERT_EQ(longer.size(), kSteps + 1);
  EXPECT_EQ(longer.Linear().back()->parents, wanted.parents);
}

TEST_P(FormatConformance, SaysWhatItIs) { EXPECT_FALSE(format_.Summary().empty()); }

// "golang-migrate" as part of a test's name.
std::string TestNameOf(const testing::TestParamInfo<std::string>& format) {
  std::string name = format.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Formats, FormatConformance, testing::ValuesIn(Registry<Format>::Names()), TestNameOf);

TEST(Formats, EachHasAFixtureAndAFileOfItsOwn) {
  const std::filesystem::path formats = std::filesystem::path(MIGPROOF_SOURCE_DIR) / "migrations" / "formats";
  std::vector<std::string> files;
  for (const auto& path : ListDirectory(formats)) {
    const std::string name = path.filename().string();
    if (path.extension() != ".cc" || name.find("_test.cc") != std::string::npos) continue;
    std::string stem = path.stem().string();
    std::replace(stem.begin(), stem.end(), '_', '-');
    files.push_back(stem);
  }
  EXPECT_EQ(files, Registry<Format>::Names());
  for (const std::string& name : Registry<Format>::Names()) {
    EXPECT_TRUE(std::filesystem::is_directory(FixtureOf(name))) << "no history in " << FixtureOf(name);
  }
}

}  // namespace
}  // namespace migproof
