// The eyes of the harness: whatever differs must be seen, and a reader that does not see a kind of object must be
// noticed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "ci/expect_error.h"
#include "ci/project.h"
#include "harness/catalog/census.h"
#include "harness/catalog/read.h"
#include "harness/catalog/statements_for_test.h"
#include "harness/verify/property.h"
#include "harness/verify/trial.h"

namespace migproof {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// A database as it was when a kind of object was first seen in it.
struct Sight {
  std::shared_ptr<const Catalog> catalog;
  std::shared_ptr<const Census> census;
};

std::set<std::string> KindsIn(const Catalog& catalog) {
  std::set<std::string> kinds;
  for (const auto& [key, object] : catalog.objects()) kinds.insert(key.kind);
  return kinds;
}

// By kind, from running every statement of fixtures/catalogs.
std::map<std::string, Sight> LookAtEverything() {
  std::map<std::string, Sight> sights;
  GroundDatabase ground;
  CatalogReader reader(ground.session());
  int count = 0;
  for (const ListedStatement& statement : ListedStatements()) {
    ground.session().Execute(ground.Text(statement));
    auto catalog = std::make_shared<const Catalog>(reader.Read());
    const std::set<std::string> kinds = KindsIn(*catalog);
    const bool news = std::any_of(kinds.begin(), kinds.end(), [&](const auto& kind) { return !sights.contains(kind); });
    if (!news && ++count % 16 != 0) continue;
    auto census = std::make_shared<const Census>(TakeCensus(ground.session(), {}));
    EXPECT_THAT(Unseen(*census, *catalog), IsEmpty()) << "statements.sql:" << statement.line;
    for (const std::string& kind : kinds) {
      // A kind may be there and not be counted (a privilege that only takes something away): another time, then.
      const auto found = sights.find(kind);
      const bool better = found == sights.end() || (!found->second.census->contains(kind) && census->contains(kind));
      if (better) sights[kind] = {catalog, census};
    }
  }
  return sights;
}

const std::map<std::string, Sight>& Sights() {
  static const std::map<std::string, Sight> sights = LookAtEverything();
  return sights;
}

std::shared_ptr<const Catalog> WithoutKind(const Catalog& catalog, const std::string& kind) {
  auto less = std::make_shared<Catalog>(catalog);
  erase_if(less->objects(), [&](const auto& entry) { return entry.first.kind == kind; });
  return less;
}

// Answers every question with the same database.
class FixedMover : public Mover {
 public:
  explicit FixedMover(Sight sight) {
    seen_.catalog = std::move(sight.catalog);
    seen_.census = std::move(sight.census);
    seen_.rows = std::make_shared<const RowSnapshot>();
  }
  const Observation& Before() override { return seen_; }
  const Observation& After(const std::vector<Move>&) override { return seen_; }
  const Observation& AtHeads() override { return seen_; }
  const Observation& AfterUpgradeAtHeads() override { return seen_; }
  const DescentResult& Descent() override { return descent_; }
  const Catalog& Model() override { return *model_; }
  const UnstableColumns& Unstable(const Path&) override { return unstable_; }
  std::vector<std::string> ReachedPast() const override { return {}; }
  void SetModel(std::shared_ptr<const Catalog> model) { model_ = std::move(model); }

 private:
  Observation seen_;
  DescentResult descent_;
  std::shared_ptr<const Catalog> model_;
  UnstableColumns unstable_;
};

class Blindness : public testing::Test {
 protected:
  Blindness() {
    project_.Revision("r1", "", "-- migproof: idempotent\nCREATE TABLE t (id int);", "DROP TABLE t;");
    const std::filesystem::path history = project_.path() / "migrations";
    subject_.emplace("native", history, std::vector<std::filesystem::path>(),
                     Registry<Format>::Get("native").Read(history));
  }

  std::optional<Finding> Check(const std::string& law, const Revision* revision, Mover& mover) const {
    Trial trial(*subject_, revision, mover);
    return Registry<Property>::Get(law).Check(trial);
  }

  void ExpectNoticed(const Sight& sight, const std::string& what) const {
    const Revision* const r1 = subject_->order().front();
    using Unit = std::pair<const char*, const Revision*>;
    for (const Unit& unit : {Unit{"round_trip", r1}, {"idempotent_upgrade", r1}, {"idempotent_upgrade", nullptr}}) {
      SCOPED_TRACE(std::string(unit.first) + " and no " + what);
      FixedMover mover(sight);
      const Error error = ErrorOf([&] { Check(unit.first, unit.second, mover); });
      EXPECT_EQ(error.kind(), ErrorKind::kInternal);
      EXPECT_THAT(error.message(), HasSubstr(what));
    }
  }

  Project project_;
  std::optional<Subject> subject_;
};

TEST_F(Blindness, ForEveryKindThereIsAnObjectAndACount) {
  for (const std::string& kind : CatalogKinds()) {
    const auto found = Sights().find(kind);
    ASSERT_NE(found, Sights().end()) << "no statement makes a " << kind;
    EXPECT_TRUE(found->second.census->contains(kind)) << kind << " is not counted";
  }
}

TEST_F(Blindness, ForAKindIsNoticed) {
  for (const auto& [kind, sight] : Sights()) {
    ExpectNoticed({WithoutKind(*sight.catalog, kind), sight.census}, kind);
    FixedMover honest(sight);
    EXPECT_FALSE(Check("idempotent_upgrade", nullptr, honest)) << kind;
  }
}

TEST_F(Blindness, ForEverythingIsNoticedEvenWithoutACount) {
  ExpectNoticed({std::make_shared<const Catalog>(), nullptr}, "object of any kind");
}

TEST_F(Blindness, ForAKindIsDriftWhereTheModelHasIt) {
  for (const auto& [kind, sight] : Sights()) {
    FixedMover mover({WithoutKind(*sight.catalog, kind), nullptr});
    mover.SetModel(sight.catalog);
    const auto finding = Check("schema_fidelity", nullptr, mover);
    ASSERT_TRUE(finding) << kind;
    EXPECT_FALSE(finding->drift.empty()) << kind;
  }
}

// The one attribute whose change counts only in the company of others: the order of columns is a note.
bool IsNoteOnly(const std::string& kind, const std::string& attribute) {
  return kind == "column" && attribute == "position";
}

bool Counts(const Catalog& was, const Catalog& is) { return !Compare(was, is).empty() && !Compare(is, was).empty(); }

TEST_F(Blindness, ToNoAttributeOfNoKind) {
  std::set<std::pair<std::string, std::string>> tried;
  for (const auto& [kind, sight] : Sights()) {
    Catalog other = *sight.catalog;
    for (auto& [key, object] : other.objects()) {
      const CatalogObject whole = object;
      for (const auto& [attribute, value] : whole.attributes) {
        if (IsNoteOnly(key.kind, attribute) || !tried.emplace(key.kind, attribute).second) continue;
        object.attributes[attribute] = value + "x";
        EXPECT_TRUE(Counts(*sight.catalog, other)) << key.kind << " " << key.name << ": " << attribute << " changed";
        object.attributes.erase(attribute);
        EXPECT_TRUE(Counts(*sight.catalog, other)) << key.kind << " " << key.name << ": " << attribute << " is gone";
        object = whole;
      }
    }
    ASSERT_EQ(other, *sight.catalog);
  }
  EXPECT_GT(tried.size(), 200U);
}

TEST_F(Blindness, ToNoObject) {
  std::set<std::string> tried;
  for (const auto& [kind, sight] : Sights()) {
    for (const auto& [key, object] : sight.catalog->objects()) {
      if (!tried.insert(key.kind).second) continue;
      Catalog other = *sight.catalog;
      other.objects().erase(key);
      EXPECT_TRUE(Counts(*sight.catalog, other)) << key.kind << " " << key.name;
    }
  }
}

TEST_F(Blindness, ToTheOrderOfColumnsIsANote) {
  const Catalog& catalog = *Sights().at("column").catalog;
  Catalog other = catalog;
  for (auto& [key, object] : other.objects()) {
    if (key.kind != "column") continue;
    auto& position = object.attributes.at("position");
    position = std::to_string(1000 - std::stoi(position));
  }
  EXPECT_TRUE(Compare(catalog, other).empty());
  EXPECT_FALSE(Compare(catalog, other).differences.empty());
  EXPECT_FALSE(Compare(catalog, other, Equivalence::kPhysical).empty());
}

RowSnapshot SomeRows() {
  RowSnapshot rows;
  rows.tables["public.t"] = TableRows{{"id", "note"}, {{"1", "a"}, {"2", std::nullopt}, {"2", std::nullopt}}, 3, ""};
  rows.sequences["public.s"] = {7, true, 1};
  return rows;
}

TEST_F(Blindness, ToNoCellAndNoRow) {
  const RowSnapshot was = SomeRows();
  ASSERT_THAT(CompareRows(was, was, {}), IsEmpty());
  const auto expect_seen = [&](const char* what, const std::function<void(TableRows&)>& change) {
    RowSnapshot is = was;
    TableRows changed = is.tables.at("public.t");
    change(changed);
    is.tables["public.t"] = changed;
    EXPECT_FALSE(CompareRows(was, is, {}).empty()) << what;
    EXPECT_FALSE(CompareRows(is, was, {}).empty()) << what;
  };
  expect_seen("another value", [](TableRows& t) { t.rows[0][1] = "A"; });
  expect_seen("a blank behind", [](TableRows& t) { t.rows[0][1] = "a "; });
  expect_seen("NULL for a value", [](TableRows& t) { t.rows[0][1].reset(); });
  expect_seen("'' for NULL", [](TableRows& t) { t.rows[2][1] = ""; });
  expect_seen("one of two equal rows gone", [](TableRows& t) {
    t.rows.pop_back();
    t.count = 2;
  });
  expect_seen("all rows gone", [](TableRows& t) { t = {}; });
}

TEST_F(Blindness, ToNoSequenceThatFellBack) {
  const RowSnapshot was = SomeRows();
  RowSnapshot is = was;
  is.sequences["public.s"].last_value = 6;
  EXPECT_FALSE(CompareSequences(was, is).empty());
  is.sequences["public.s"] = {7, false, 1};
  EXPECT_FALSE(CompareSequences(was, is).empty());
}

}  // namespace
}  // namespace migproof
