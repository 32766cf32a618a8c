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

}  // namespace
}  // namespace migproof
