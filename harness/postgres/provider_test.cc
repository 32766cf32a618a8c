#include "harness/postgres/provider.h"

#include <gtest/gtest.h>

namespace migproof {
namespace {

TEST(ServerSpec, SplitsAtTheFirstColon) {
  EXPECT_EQ(ParseServerSpec("local").provider, "local");
  EXPECT_EQ(ParseServerSpec("local").argument, "");
  EXPECT_EQ(ParseServerSpec("local:15").argument, "15");
  const ServerSpec existing = ParseServerSpec("existing:postgresql://me@host:5432/db");
  EXPECT_EQ(existing.provider, "existing");
  EXPECT_EQ(existing.argument, "postgresql://me@host:5432/db");
}

TEST(ServerSpec, NamesTheNearestProvider) {
  try {
    ParseServerSpec("locl:15");
    FAIL() << "an unknown provider was accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUsage);
    EXPECT_EQ(e.message(), "unknown provider 'locl'");
    EXPECT_EQ(e.hint(), "did you mean 'local'?");
  }
}

}  // namespace
}  // namespace migproof
