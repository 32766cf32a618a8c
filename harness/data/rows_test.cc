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
  if (count > 0) snapshot.tables["public.people"] = TableRows{{"email", "id", "note"}, std::move(rows), count, ""};
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
  EXPECT_THAT(CompareRows(was, People({{"a", "1", std::nullopt}}), options), ElementsAre(HasSubstr("is NULL")));
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
  is.sequences = {{"public.a", {3, true, 1}}, {"public.b", {-9, true, -1}}, {"public.c", {1, false, 1}}};
  EXPECT_THAT(CompareSequences(was, is),
              ElementsAre(testing::Pair("public.a", "~ sequence public.a: last value was 7, is 3"),
                          testing::Pair("public.c", "~ sequence public.c: last value was 7, is not called")));
}

}  // namespace
}  // namespace migproof
