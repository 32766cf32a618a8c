#include "harness/verify/loss_hint.h"

#include <gtest/gtest.h>

namespace migproof {
namespace {

TEST(LossHint, IsTheDeclarationToPaste) {
  const std::set<std::string> tables = {"public.orders", "s.items"};
  EXPECT_EQ(LossHint({}, tables, "loses"), "");
  EXPECT_EQ(LossHint({"public.orders.note"}, tables, "changes"),
            "where this is meant, declare it in the revision: -- migproof: changes orders.note \"why\"");
  EXPECT_EQ(
      LossHint({"s.items", "sequence public.numbers"}, tables, "changes"),
      "where this is meant, declare it in the revision: -- migproof: loses s.items \"why\" and -- migproof: loses "
      "sequence numbers \"why\"");
}

TEST(LossHint, IsShort) {
  const std::string hint = LossHint({"public.t.a", "public.t.b", "public.t.c", "public.t.d"}, {"public.t"}, "loses");
  EXPECT_NE(hint.find("t.c \"why\" (and 1 more)"), std::string::npos) << hint;
  EXPECT_EQ(hint.find("t.d"), std::string::npos) << hint;
}

}  // namespace
}  // namespace migproof
