#include "harness/data/column_type.h"

#include <gtest/gtest.h>

#include "harness/catalog/read.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"

namespace migproof {
namespace {

using Form = ColumnType::Form;
using Texts = std::vector<std::string>;

ColumnType BuiltInType(const std::string& name) { return ResolveType(Catalog(), name); }

TEST(ColumnType, TakesModifiersOutOfTheName) {
  const auto expect = [](const std::string& name, const std::string& base, const std::vector<int>& modifiers) {
    const ColumnType type = BuiltInType(name);
    EXPECT_EQ(type.form, Form::kBase) << name;
    EXPECT_EQ(type.base, base) << name;
    EXPECT_EQ(type.modifiers, modifiers) << name;
  };
  expect("integer", "integer", {});
  expect("character varying(80)", "character varying", {80});
  expect("numeric(10,2)", "numeric", {10, 2});
  expect("numeric(4,-2)", "numeric", {4, -2});
  expect("timestamp(3) without time zone", "timestamp without time zone", {3});
  expect("interval(3)", "interval", {3});
  expect("interval day to second(3)", "interval day to second", {3});
  expect("bit varying(5)", "bit varying", {5});
  expect("character(1)", "character", {1});
  expect("public.geometry(Point,4326)", "public.geometry", {4326});
  expect("public.\"odd(1)\"(2)", "public.\"odd(1)\"", {2});
}

TEST(ColumnType, KnowsArraysAndRangesByTheirNames) {
  const ColumnType array = BuiltInType("numeric(5,2)[]");
  EXPECT_EQ(array.form, Form::kArray);
  EXPECT_EQ(array.element->modifiers, (std::vector<int>{5, 2}));
  const ColumnType range = BuiltInType("tstzrange");
  EXPECT_EQ(range.form, Form::kRange);
  EXPECT_EQ(range.element->base, "timestamp with time zone");
  const ColumnType multirange = BuiltInType("int8multirange");
  EXPECT_EQ(multirange.form, Form::kMultirange);
  EXPECT_EQ(multirange.element->form, Form::kRange);
  EXPECT_EQ(multirange.element->element->base, "bigint");
}

class ResolvedType : public testing::Test {
 protected:
  // Reads back the type of a column declared so, after the statements.
  ColumnType Resolve(const std::string& statements, const std::string& declared) {
    session_->Execute(statements);
    session_->Execute("CREATE TABLE t (v " + declared + ")");
    const Catalog catalog = CatalogReader(*session_).Read();
    return ResolveType(catalog, catalog.Attribute("column", "public.t.v", "type"));
  }

  std::unique_ptr<Database> database_ = Database::Create(TestServer());
  std::unique_ptr<Session> session_ = database_->Connect();
};

TEST_F(ResolvedType, HasTheLabelsOfAnEnumInOrder) {
  const ColumnType type = Resolve(
      R"(CREATE TYPE "Odd Mood" AS ENUM ('z', 'it''s', 'a, b', ' lead', '', 'b\c, d', '[x]', 'E'))", "\"Odd Mood\"[]");
  EXPECT_EQ(type.form, Form::kArray);
  EXPECT_EQ(type.element->form, Form::kEnum);
  EXPECT_EQ(type.element->labels, (Texts{"z", "it's", "a, b", " lead", "", "b\\c, d", "[x]", "E"}));
}

TEST_F(ResolvedType, HasTheChecksOfADomainAndWhatItStandsOn) {
  const ColumnType type = Resolve(
      "CREATE DOMAIN amount AS numeric(8,2) CHECK (VALUE > 0);"
      "CREATE DOMAIN price AS amount NOT NULL CONSTRAINT cheap CHECK (VALUE < 10) CONSTRAINT odd CHECK (VALUE <> 5);"
      "CREATE DOMAIN other AS integer CHECK (VALUE = 1)",
      "price");
  EXPECT_EQ(type.form, Form::kDomain);
  EXPECT_TRUE(type.not_null);
  EXPECT_EQ(type.checks,
            (Texts{"CHECK (((VALUE)::numeric < (10)::numeric))", "CHECK (((VALUE)::numeric <> (5)::numeric))"}));
  EXPECT_EQ(type.element->form, Form::kDomain);
  EXPECT_FALSE(type.element->not_null);
  EXPECT_EQ(type.element->checks, (Texts{"CHECK ((VALUE > (0)::numeric))"}));
  EXPECT_EQ(type.element->element->modifiers, (std::vector<int>{8, 2}));
}

TEST_F(ResolvedType, HasTheFieldsOfACompositeInOrder) {
  const ColumnType type = Resolve(
      "CREATE TYPE pair AS (z numeric(5,2), \"a, b\" text COLLATE \"C\", l timestamp(3) with time zone[])", "pair");
  EXPECT_EQ(type.form, Form::kComposite);
  ASSERT_EQ(type.fields.size(), 3U);
  EXPECT_EQ(type.fields[0].name, "z");
  EXPECT_EQ(type.fields[0].type.modifiers, (std::vector<int>{5, 2}));
  EXPECT_EQ(type.fields[1].name, "\"a, b\"");
  EXPECT_EQ(type.fields[1].type.base, "text");
  EXPECT_EQ(type.fields[2].type.element->base, "timestamp with time zone");
}

TEST_F(ResolvedType, OfATableHasItsColumns) {
  const ColumnType type =
      Resolve("CREATE TABLE person (z int, a text, d date); ALTER TABLE person DROP COLUMN a", "person");
  EXPECT_EQ(type.form, Form::kComposite);
  ASSERT_EQ(type.fields.size(), 2U);
  EXPECT_EQ(type.fields[0].name, "z");
  EXPECT_EQ(type.fields[1].type.base, "date");
}

TEST_F(ResolvedType, HasTheSubtypeOfARange) {
  const ColumnType type = Resolve("CREATE TYPE timerange AS RANGE (subtype = time)", "timerange");
  EXPECT_EQ(type.form, Form::kRange);
  EXPECT_EQ(type.element->base, "time without time zone");
}

TEST_F(ResolvedType, HasTheValuesSeenOfWhatNobodyKnows) {
  if (session_->Query("SELECT 1 FROM pg_available_extensions WHERE name = 'seg'").empty()) GTEST_SKIP() << "no seg";
  const ColumnType type = Resolve(
      "CREATE EXTENSION seg; CREATE TABLE s (a seg DEFAULT '1 .. 2' CHECK (a <> '7'), b seg DEFAULT '1 .. 2')", "seg");
  EXPECT_EQ(type.form, Form::kBase);
  EXPECT_EQ(type.base, "public.seg");
  EXPECT_EQ(type.harvested, (Texts{"7", "1 .. 2"}));
}

}  // namespace
}  // namespace migproof
