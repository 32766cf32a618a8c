#include "harness/report/drift_sign.h"

#include <gtest/gtest.h>

namespace migproof {
namespace {

TEST(DriftSign, StandsFirst) {
  EXPECT_EQ(DriftSign("+ table public.t"), '+');
  EXPECT_EQ(DriftSign("- enum public.mood: sad, fine"), '-');
  EXPECT_EQ(DriftSign("~ column public.t.a: type was text, is int"), '~');
}

TEST(DriftSign, StandsBehindTheRevision) {
  EXPECT_EQ(DriftSign("r7: - table public.t"), '-');
  EXPECT_EQ(DriftSign("db/7.sql::ada: + index public.i"), '+');
}

TEST(DriftSign, IsNoneOfWhatOnlyLooksLikeIt) {
  for (const char* line :
       {"", "+", "r7: ", "r7: +", "-1 is no row", "db/7.sql:3: table \"t\" does not exist: - it is gone"}) {
    EXPECT_EQ(DriftSign(line), ' ') << line;
  }
}

}  // namespace
}  // namespace migproof
