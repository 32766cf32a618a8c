#include "harness/catalog/drift.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/catalog/one_line.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Attributes = std::map<std::string, std::string>;

void Add(Catalog& catalog, const std::string& kind, const std::string& name, const std::string& relation,
         Attributes attributes = {}) {
  catalog.objects()[{kind, name}] = {relation, std::move(attributes)};
}

Catalog OneTable() {
  Catalog catalog;
  Add(catalog, "table", "public.t", "public.t", {{"persistence", "permanent"}});
  Add(catalog, "column", "public.t.a", "public.t", {{"type", "integer"}, {"not_null", "true"}, {"position", "1"}});
  Add(catalog, "column", "public.t.b", "public.t", {{"type", "text"}, {"not_null", "false"}, {"position", "2"}});
  Add(catalog, "primary key", "t_pkey on public.t", "public.t", {{"definition", "PRIMARY KEY (a)"}});
  Add(catalog, "index", "public.t_pkey", "public.t",
      {{"definition", "CREATE UNIQUE INDEX t_pkey ON public.t USING btree (a)"}, {"constraint", "t_pkey"}});
  Add(catalog, "sequence", "public.t_a_seq", "public.t_a_seq", {{"type", "integer"}, {"owned_by", "public.t.a"}});
  Add(catalog, "comment", "table public.t", "public.t", {{"text", "a table"}});
  Add(catalog, "privilege", "table public.t to bob", "public.t", {{"privileges", "SELECT"}});
  Add(catalog, "function", "public.f(integer)", "",
      {{"body", "SELECT 1"}, {"returns", "integer"}, {"language", "sql"}});
  Add(catalog, "comment", "function public.f(integer)", "", {{"text", "f"}});
  Add(catalog, "privilege", "function public.f(integer) to \"a to b\"", "", {{"privileges", "EXECUTE"}});
  return catalog;
}

std::vector<std::string> Lines(const Catalog& was, const Catalog& is, Equivalence equivalence = Equivalence::kLogical) {
  std::vector<std::string> lines;
  for (const Difference& difference : Compare(was, is, equivalence).differences) {
    lines.push_back(difference.ToLine() + (difference.note ? " (note)" : ""));
  }
  return lines;
}

void Remove(Catalog& catalog, const std::string& kind, const std::string& name) {
  ASSERT_EQ(catalog.objects().erase({kind, name}), 1u);
}

// Takes away what belongs to the relation, the sequence of its column too.
Catalog WithoutTable() {
  Catalog catalog = OneTable();
  erase_if(catalog.objects(), [](const auto& entry) { return entry.second.relation.starts_with("public.t"); });
  return catalog;
}

TEST(Compare, FindsNothingBetweenEquals) {
  EXPECT_THAT(Lines(OneTable(), OneTable()), IsEmpty());
  EXPECT_TRUE(Compare(OneTable(), OneTable()).empty());
}

TEST(Compare, ListsADroppedTableOnce) {
  EXPECT_THAT(Lines(OneTable(), WithoutTable()), ElementsAre("- table public.t"));
  EXPECT_THAT(Lines(WithoutTable(), OneTable()), ElementsAre("+ table public.t"));
}

TEST(Compare, ListsADroppedConstraintWithoutItsIndex) {
  Catalog is = OneTable();
  Remove(is, "primary key", "t_pkey on public.t");
  Remove(is, "index", "public.t_pkey");
  EXPECT_THAT(Lines(OneTable(), is), ElementsAre("- primary key t_pkey on public.t: PRIMARY KEY (a)"));
}

TEST(Compare, ListsAnIndexThatStaysWithoutItsConstraint) {
  Catalog is = OneTable();
  Remove(is, "primary key", "t_pkey on public.t");
  is.objects()[{"index", "public.t_pkey"}].attributes.erase("constraint");
  EXPECT_THAT(Lines(OneTable(), is), ElementsAre("- primary key t_pkey on public.t: PRIMARY KEY (a)",
                                                 "~ index public.t_pkey: constraint was t_pkey, is absent"));
}

TEST(Compare, ListsADroppedFunctionWithoutCommentAndPrivileges) {
  Catalog is = OneTable();
  Remove(is, "function", "public.f(integer)");
  Remove(is, "comment", "function public.f(integer)");
  Remove(is, "privilege", "function public.f(integer) to \"a to b\"");
  EXPECT_THAT(Lines(OneTable(), is), ElementsAre("- function public.f(integer): returns integer, language sql"));
}

TEST(Compare, ListsALostCommentAndPrivilegeOfWhatStays) {
  Catalog is = OneTable();
  Remove(is, "comment", "function public.f(integer)");
  Remove(is, "privilege", "table public.t to bob");
  EXPECT_THAT(Lines(OneTable(), is),
              ElementsAre("- comment function public.f(integer): f", "- privilege table public.t to bob: SELECT"));
}

TEST(Compare, ListsADroppedColumnWithoutItsSequence) {
  Catalog is = OneTable();
  Remove(is, "column", "public.t.a");
  Remove(is, "sequence", "public.t_a_seq");
  is.objects()[{"column", "public.t.b"}].attributes["position"] = "1";
  EXPECT_THAT(Lines(OneTable(), is), ElementsAre("- column public.t.a: integer NOT NULL"));
}

TEST(Compare, ListsASequenceThatAloneIsGone) {
  Catalog is = OneTable();
  Remove(is, "sequence", "public.t_a_seq");
  EXPECT_THAT(Lines(OneTable(), is), ElementsAre("- sequence public.t_a_seq: integer, owned by public.t.a"));
}

TEST(Compare, SaysWhichAttributeChanged) {
  Catalog was = OneTable();
  was.objects()[{"column", "public.t.b"}].attributes["default"] = "'x'";
  Catalog is = OneTable();
  is.objects()[{"column", "public.t.b"}].attributes["not_null"] = "true";
  EXPECT_THAT(Lines(was, is), ElementsAre("~ column public.t.b: default was 'x', is absent",
                                          "~ column public.t.b: not_null was false, is true"));
  EXPECT_FALSE(Compare(was, is).empty());
}

TEST(Compare, TellsAnEmptyValueFromNone) {
  Catalog is = OneTable();
  is.objects()[{"column", "public.t.b"}].attributes["default"] = "";
  EXPECT_THAT(Lines(OneTable(), is), ElementsAre("~ column public.t.b: default was absent, is (empty)"));
}

TEST(Compare, NotesColumnOrderWhereItIsLogical) {
  Catalog is = OneTable();
  is.objects()[{"column", "public.t.a"}].attributes["position"] = "2";
  is.objects()[{"column", "public.t.b"}].attributes["position"] = "1";
  EXPECT_THAT(Lines(OneTable(), is), ElementsAre("~ table public.t: column order was a, b, is b, a (note)"));
  EXPECT_TRUE(Compare(OneTable(), is).empty());
  EXPECT_THAT(Compare(OneTable(), is).Findings(), IsEmpty());
  EXPECT_THAT(Lines(OneTable(), is, Equivalence::kPhysical),
              ElementsAre("~ table public.t: column order was a, b, is b, a"));
}

TEST(Compare, NotesWhiteSpaceOfFunctionBodies) {
  Catalog is = OneTable();
  is.objects()[{"function", "public.f(integer)"}].attributes["body"] = "\n  SELECT   1\n";
  EXPECT_THAT(Lines(OneTable(), is), ElementsAre("~ function public.f(integer): body differs in white space (note)"));
  EXPECT_FALSE(Compare(OneTable(), is, Equivalence::kPhysical).empty());
  is.objects()[{"function", "public.f(integer)"}].attributes["body"] = "SELECT 12";
  EXPECT_THAT(Lines(OneTable(), is), ElementsAre("~ function public.f(integer): body was SELECT 1, is SELECT 12"));
}

TEST(Compare, PutsTablesBeforeColumnsBeforeIndexes) {
  Catalog is = OneTable();
  Add(is, "index", "public.i", "public.t", {{"definition", "CREATE INDEX i ON public.t USING btree (b)"}});
  Add(is, "column", "public.t.c", "public.t", {{"type", "text"}, {"default", "'x'::text"}, {"position", "3"}});
  Add(is, "table", "public.z", "public.z");
  Add(is, "enum", "public.phasetype", "", {{"labels", "PLANNER, CODER"}, {"owner", "me"}});
  EXPECT_THAT(Lines(OneTable(), is), ElementsAre("+ enum public.phasetype: PLANNER, CODER", "+ table public.z",
                                                 "+ column public.t.c: text DEFAULT 'x'::text",
                                                 "+ index public.i: CREATE INDEX i ON public.t USING btree (b)"));
}

TEST(Without, LeavesWhatAStepAdds) {
  Catalog known = OneTable();
  Remove(known, "comment", "function public.f(integer)");
  Catalog more = known;
  Remove(more, "function", "public.f(integer)");
  Remove(more, "privilege", "function public.f(integer) to \"a to b\"");
  const Drift rest = Without(Compare(OneTable(), more), Compare(OneTable(), known));
  ASSERT_EQ(rest.differences.size(), 1u);
  EXPECT_EQ(rest.differences[0].object.kind, "function");
}

TEST(ToLine, ShowsWhereLongTextsPart) {
  Difference difference;
  difference.object = {"function", "f()"};
  difference.attribute = "body";
  difference.was = std::string(300, 'x') + "\nONE\n" + std::string(300, 'y');
  difference.is = std::string(300, 'x') + "\nTWO\n" + std::string(300, 'y');
  EXPECT_THAT(difference.ToLine(), testing::AllOf(testing::HasSubstr("x ONE y"), testing::HasSubstr("x TWO y"),
                                                  testing::Not(testing::HasSubstr("\n"))));
  EXPECT_LT(difference.ToLine().size(), 260u);
}

TEST(Excerpt, NeverCutsACharacter) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "\xC3\xA9";
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string cut = Excerpt(text, at, 21);
    std::erase(cut, '.');
    EXPECT_EQ(cut.size() % 2, 0u) << at;
    EXPECT_EQ(cut.substr(0, 2), "\xC3\xA9") << at;
  }
}

}  // namespace
}  // namespace migproof
