#include "harness/data/moment.h"

#include <gtest/gtest.h>

#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"

namespace migproof {
namespace {

TEST(MomentOf, PutsTimesInTheServersOrder) {
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  session->Execute("SET TimeZone = 'UTC'");
  const char* times[] = {"-infinity",
                         "4714-11-24 00:00:00+00 BC",
                         "0044-03-15 12:00:00+00 BC",
                         "0001-12-31 BC",
                         "0001-01-01 00:00:00",
                         "1900-02-28",
                         "1969-12-31 23:59:59.999999+00",
                         "2000-01-01 00:00:00+05:45",
                         "2000-01-01",
                         "2000-01-01 12:34:56.5",
                         "2000-02-29 24:00:00",
                         "2000-03-01 00:00:00.000001",
                         "2016-12-31 23:59:60+00",
                         "2017-01-01 00:00:00+00",
                         "2024-11-03 01:30:00-04",
                         "9999-12-31 23:59:59+00",
                         "10000-01-01",
                         "294276-12-31 23:59:59+00",
                         "infinity"};
  for (const char* one : times) {
    for (const char* other : times) {
      const Rows said = session->Query("SELECT CASE WHEN a < b THEN -1 WHEN a > b THEN 1 ELSE 0 END FROM (SELECT " +
                                       session->QuoteLiteral(one) + "::timestamptz AS a, " +
                                       session->QuoteLiteral(other) + "::timestamptz AS b) AS times");
      const auto a = MomentOf(one);
      const auto b = MomentOf(other);
      ASSERT_TRUE(a && b) << one << " " << other;
      EXPECT_EQ(said.Get(0, 0), std::to_string(*a < *b ? -1 : *a > *b ? 1 : 0)) << one << " " << other;
    }
  }
}

TEST(MomentOf, KnowsNoOtherText) {
  for (const char* text : {"", "now", "2000", "2000-01", "2000-13-01", "2000-01-01 ", "2000-01-01T00:00:00",
                           "2000-01-01 00:00", "2000-01-01 00:00:00 CET", "2000-01-01 00:00:00.", "12:00:00"}) {
    EXPECT_FALSE(MomentOf(text)) << text;
  }
}

}  // namespace
}  // namespace migproof
