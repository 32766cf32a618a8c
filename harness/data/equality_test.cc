#include "harness/data/equality.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace migproof {
namespace {

std::set<std::string> TextsOf(const std::string& base, const std::vector<std::string>& values) {
  ColumnType type;
  type.base = base;
  std::set<std::string> texts;
  for (const std::string& value : values) texts.insert(EqualityText(EqualityOf(type), value));
  return texts;
}

TEST(Equality, IsThatOfTheTypeAsFarAsTextsTell) {
  EXPECT_EQ(TextsOf("numeric", {"1.5", "+1.50", "01.500", "1.5000"}).size(), 1U);
  EXPECT_EQ(TextsOf("integer", {"0", "-0", "00", "+0"}).size(), 1U);
  EXPECT_EQ(TextsOf("bigint", {"10", "010", "1", "-10", "100"}).size(), 4U);
  EXPECT_EQ(TextsOf("real", {"NaN", "nan", "1e5", "1E5"}).size(), 2U);
  EXPECT_EQ(TextsOf("boolean", {"t", "true", "TRUE", "f"}).size(), 2U);
  EXPECT_EQ(TextsOf("character", {"a", "a  ", " a"}).size(), 2U);
  EXPECT_EQ(TextsOf("public.citext", {"A", "a"}).size(), 1U);
  EXPECT_EQ(TextsOf("uuid", {"00000000-0000-0000-0000-00000000000A", "{0000000000000000000000000000000a}"}).size(), 1U);
  EXPECT_EQ(TextsOf("text", {"A", "a", "a ", "01", "1"}).size(), 5U);
}

TEST(Equality, OfADomainIsThatOfWhatItStandsOn) {
  ColumnType number;
  number.base = "integer";
  ColumnType domain;
  domain.form = ColumnType::Form::kDomain;
  domain.base = "public.age";
  domain.element = std::make_shared<const ColumnType>(number);
  EXPECT_EQ(EqualityOf(domain), Equality::kNumber);
}

}  // namespace
}  // namespace migproof
