#include "harness/verify/walk.h"

#include <gtest/gtest.h>

namespace migproof {
namespace {

bool Fits(const std::string& sql) {
  Section section;
  section.script = Script::Parse(sql, {"a.sql", 1});
  return FitsProbe(section);
}

constexpr const char* kMade =
    "CREATE OR REPLACE PROCEDURE s.work(n int) LANGUAGE plpgsql AS $$ BEGIN DELETE FROM t; END $$;";

TEST(FitsProbe, TakesTheCallOfAProcedureThatTheScriptMakes) {
  EXPECT_TRUE(Fits(std::string(kMade) + "CALL S.work (1); DROP PROCEDURE s.work"));
  EXPECT_FALSE(Fits("CALL s.work(1)")) << "what it does is not known";
  EXPECT_FALSE(Fits(std::string(kMade) + "CALL s.work(1); CALL s.more()"));
}

TEST(FitsProbe, RefusesTheCallOfAProcedureThatEndsItsTransaction) {
  EXPECT_FALSE(Fits("CREATE PROCEDURE work() LANGUAGE plpgsql AS $$ BEGIN DELETE FROM t; Commit; END $$; CALL work()"));
  EXPECT_FALSE(Fits(std::string(kMade) + "CALL s.work(setval('q', 1))"));
}

}  // namespace
}  // namespace migproof
