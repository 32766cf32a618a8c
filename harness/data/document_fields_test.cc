#include "harness/data/document_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(TakenFields, AreThoseThatBecomeText) {
  EXPECT_THAT(TakenFields("(doc ->> 'id'::text)"), ElementsAre(TakenField{"doc", {"id"}}));
  EXPECT_THAT(TakenFields("((\"the (\"\"doc\"\"\" ->> 'it''s'::text))::integer"),
              ElementsAre(TakenField{"\"the (\"\"doc\"\"\"", {"it's"}}));
  EXPECT_THAT(TakenFields("((doc -> 'state'::text) ->> 'at'::text)"), ElementsAre(TakenField{"doc", {"state", "at"}}));
  EXPECT_THAT(TakenFields("EXTRACT(epoch FROM read_at((doc #>> '{state,at}'::text[])))"),
              ElementsAre(TakenField{"doc", {"state", "at"}}));
  EXPECT_THAT(TakenFields("((words((doc ->> 'a'::text)) || words((doc ->> 'b'::text))) || words((doc ->> 'a'::text)))"),
              ElementsAre(TakenField{"doc", {"a"}}, TakenField{"doc", {"b"}}));
}

TEST(TakenFields, AreNothingElse) {
  for (const char* expression : {"(doc -> 'a'::text)", "(doc #> '{a}'::text[])", "(lower(name) || 'x'::text)",
                                 "(doc ->> key)", "(doc #>> '{}'::text[])", "(doc ->> 'a", "(", ""}) {
    EXPECT_THAT(TakenFields(expression), IsEmpty()) << expression;
  }
}

TEST(WithField, PutsItIn) {
  EXPECT_EQ(WithField(R"({"a": 1})", {"b", "c"}, "x"), R"({"a":1,"b":{"c":"x"}})");
  EXPECT_EQ(WithField(R"({"a": 1, "b": 2})", {"a"}, true), R"({"a":true,"b":2})");
  EXPECT_EQ(WithField("[1]", {"a"}, nullptr), R"({"a":null})");
  EXPECT_EQ(WithField(R"({"a": "x"})", {"a", "b"}, 7), R"({"a":{"b":7}})");
}

}  // namespace
}  // namespace migproof
