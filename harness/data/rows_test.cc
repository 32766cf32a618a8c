#include "harness/data/rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace migproof {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

RowSnapshot People(std::vector<std::vector<Cell>> rows) {
  RowSnapshot snapshot;
  std::sort(rows.begin(), rows.end());
  const auto count = static_cast<std::int64_t>(rows.size());
  if (count > 0)
    snapshot.tables["public.people"] = TableRows{{"email", "id", "note"}, std::move(rows), count, "", "", {}};
  return snapshot;
}

TEST(CompareRows, SaysWhichCellsOfARowChanged) {
  const RowSnapshot was = People({{"A@x", "1", "n"}, {"b@x", "2", "n"}});
  const RowSnapshot is = People({{"a@x", "1", std::nullopt}, {"b@x", "2", "n"}});
  EXPECT_THAT(CompareRows(was, is, {}),
              ElementsAre("~ public.people: id=1: email was 'A@x', is 'a@x'; note was 'n', is NULL"));
  EXPECT_THAT(CompareRows(was, was, {}), IsEmpty());
}

TEST(CompareRows, TakesTheRowMostAlikeForTheSameRow) {
  const RowSnapshot was = People({{"a", "1", "x"}, {"b", "2", "x"}, {"c", "3", "x"}});
  const RowSnapshot is = People({{"b", "2", "y"}, {"c", "3", "z"}, {"d", "4", "x"}});
  EXPECT_THAT(
      CompareRows(was, is, {}),
      ElementsAre("~ public.people: note=x: email was 'a', is 'd'; id was '1', is '4'",
                  "~ public.people: email=b: note was 'x', is 'y'", "~ public.people: email=c: note was 'x', is 'z'"));
}

TEST(CompareRows, ShowsRowsThatHaveNothingInCommonAsGoneAndNew) {
  EXPECT_THAT(CompareRows(People({{"a", "1", "x"}}), People({{"b", "2", std::nullopt}}), {}),
              ElementsAre("- public.people: email=a, id=1, note=x", "+ public.people: email=b, id=2, note=NULL"));
  EXPECT_THAT(CompareRows(People({{"a", "1", "x"}}), People({}), {}),
              ElementsAre("- public.people: email=a, id=1, note=x"));
  EXPECT_THAT(CompareRows(People({}), People({{"a", "1", "x"}}), {}),
              ElementsAre("+ public.people: email=a, id=1, note=x"));
}

TEST(RenamedColumns, AreKnownByTheirNumbers) {
  RowSnapshot was = People({{"a", "1", "x"}});
  RowSnapshot is = was;
  const auto with = [](const RowSnapshot& snapshot, const std::string& oid, std::vector<std::string> columns,
                       std::vector<std::string> numbers) {
    TableRows table = *snapshot.tables.at("public.people");
    table.oid = oid;
    table.columns = std::move(columns);
    table.numbers = std::move(numbers);
    RowSnapshot made;
    made.tables["public.people"] = std::move(table);
    return made;
  };
  EXPECT_THAT(RenamedColumns(was, is), IsEmpty()) << "nobody knows them";
  was = with(was, "16400", {"email", "id", "note"}, {"2", "1", "3"});
  EXPECT_THAT(RenamedColumns(was, with(is, "16400", {"email", "id", "note"}, {"2", "1", "3"})), IsEmpty());
  EXPECT_THAT(RenamedColumns(was, with(is, "16400", {"email", "id", "note", "old"}, {"4", "1", "3", "2"})),
              ElementsAre("public.people.email"));
  EXPECT_THAT(RenamedColumns(was, with(is, "16400", {"email", "id", "note"}, {"4", "1", "3"})), IsEmpty())
      << "made anew: compared by its name";
  EXPECT_THAT(RenamedColumns(was, with(is, "16500", {"email", "id", "note", "old"}, {"4", "1", "3", "2"})), IsEmpty())
      << "another table";
}

TEST(IsTranslated, WhereEveryValueHasANameOfItsOwn) {
  const auto table = [](std::vector<std::vector<Cell>> rows) {
    return *People(std::move(rows)).tables.at("public.people");
  };
  const TableRows was = table({{"t", "1", "x"}, {"f", "2", "x"}, {"t", "3", "x"}, {std::nullopt, "4", "x"}});
  const auto is = [&](const std::vector<Cell>& values) {
    return table({{values[0], "1", "x"}, {values[1], "2", "x"}, {values[2], "3", "x"}, {values[3], "4", "x"}});
  };
  EXPECT_TRUE(IsTranslated(was, is({"yes", "no", "yes", std::nullopt}), "email", {"id", "note"}));
  EXPECT_TRUE(IsTranslated(was, is({"yes", "no", "yes", "unsaid"}), "email", {"id", "note"}));
  EXPECT_FALSE(IsTranslated(was, is({"yes", "no", "yes", "no"}), "email", {"id", "note"})) << "two have become one";
  EXPECT_FALSE(IsTranslated(was, is({"yes", "no", "so", "unsaid"}), "email", {"id", "note"})) << "one has become two";
  EXPECT_FALSE(IsTranslated(was, is({"yes", "yes", "no", "unsaid"}), "email", {"id", "note"})) << "in other rows";
  EXPECT_FALSE(IsTranslated(was, table({{"yes", "1", "x"}}), "email", {"id", "note"})) << "rows have gone";
}

TEST(CompareRows, CountsEqualRows) {
  const RowSnapshot was = People({{"a", "1", "x"}, {"a", "1", "x"}});
  EXPECT_THAT(CompareRows(was, People({{"a", "1", "x"}}), {}), ElementsAre("- public.people: email=a, id=1, note=x"));
}

TEST(CompareRows, CutsLongValuesBetweenCharacters) {
  std::string text(59, 'a');
  text += "\xC3\xA9\xC3\xA9";
  const auto lines = CompareRows(People({{text, "1", "x"}}), People({{"a", "1", "x"}}), {});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], HasSubstr("email was '" + std::string(59, 'a') + "... (63 bytes)', is 'a'"));
}

TEST(CompareRows, ComparesUnstableCellsByNullOrNot) {
  const RowSnapshot was = People({{"a", "1", "x"}});
  const CompareRowsOptions options{.unstable = {"public.people.note"}, .leave_out = {}, .tables = {}};
  EXPECT_THAT(CompareRows(was, People({{"a", "1", "y"}}), options), IsEmpty());
  EXPECT_THAT(CompareRows(was, People({{"a", "1", std::nullopt}}), options),
              ElementsAre(HasSubstr("note was not NULL, is NULL")));
  const CompareRowsOptions first{.unstable = {"public.people.email"}, .leave_out = {}, .tables = {}};
  EXPECT_THAT(CompareRows(was, People({{"b", "1", "y"}}), first),
              ElementsAre("~ public.people: id=1: note was 'x', is 'y'"));
}

TEST(CompareRows, TellsWhatWasLost) {
  const RowSnapshot was = People({{"a", "1", "x"}, {"b", "2", "x"}});
  const auto lost = [&](std::vector<std::vector<Cell>> now) {
    std::set<std::string> names;
    CompareRows(was, People(std::move(now)), {}, &names);
    return names;
  };
  EXPECT_THAT(lost({{"a", "1", "y"}, {"b", "2", "x"}}), ElementsAre("public.people.note"));
  EXPECT_THAT(lost({{"a", "1", "x"}}), ElementsAre("public.people"));
  EXPECT_THAT(lost({{"a", "1", "x"}, {"b", "2", "x"}, {"c", "3", "z"}}), IsEmpty());
}

TEST(CompareSequences, TellsThoseThatFellBack) {
  RowSnapshot was;
  RowSnapshot is;
  was.sequences = {{"public.a", {7, true, 1}}, {"public.b", {-7, true, -1}}, {"public.c", {7, true, 1}}};
  is.sequences = {{"public.a", {3, true, 1}}, {"public.b", {-9, true, -1}}, {"public.c", {7, false, 1}}};
  EXPECT_THAT(CompareSequences(was, is),
              ElementsAre(testing::Pair("public.a", "~ sequence public.a: last value was 7, is 3"),
                          testing::Pair("public.c", "~ sequence public.c: last value was 7, the next one is 7")));
  is.sequences = {{"public.a", {8, false, 1}}, {"public.b", {-8, false, -1}}, {"public.c", {7, true, 1}}};
  EXPECT_THAT(CompareSequences(was, is), IsEmpty());
}

}  // namespace
}  // namespace migproof
