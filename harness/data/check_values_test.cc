#include "harness/data/check_values.h"

#include <gtest/gtest.h>

namespace migproof {
namespace {

TEST(Fits, TakesJsonThatCanBeRead) {
  for (const char* type : {"json", "jsonb"}) {
    const ColumnType json = ResolveType(Catalog(), type);
    for (const char* text : {"{}", R"({"a": [1, null]})", "1.5", "\"a\""}) EXPECT_TRUE(Fits(json, text)) << text;
    for (const char* text : {"", "abc", "{", "1,000", "NaN"}) EXPECT_FALSE(Fits(json, text)) << text;
  }
}

TEST(Fits, TakesTimesOfDay) {
  for (const char* type : {"time without time zone", "time(3) with time zone"}) {
    const ColumnType time = ResolveType(Catalog(), type);
    for (const char* text : {"08:30", "00:00:00", "23:59:59.999999", "24:00:00", "12:00:00+05:30"}) {
      EXPECT_TRUE(Fits(time, text)) << text;
    }
    for (const char* text : {"", "-infinity", "2000-01-01", "2000-01-01 00:00:00", "1", "8"}) {
      EXPECT_FALSE(Fits(time, text)) << text;
    }
  }
}

TEST(Fits, TakesNoPlainValueForAnArray) {
  const ColumnType array = ResolveType(Catalog(), "text[]");
  for (const char* text : {"{}", "{1,NULL}", "[0:1]={a,b}"}) EXPECT_TRUE(Fits(array, text)) << text;
  for (const char* text : {"", "1", "-2147483648", "a{}b"}) EXPECT_FALSE(Fits(array, text)) << text;
}

}  // namespace
}  // namespace migproof
