#include "harness/postgres/provider.h"

#include <gtest/gtest.h>

#include "ci/expect_error.h"

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

TEST(ServerSpec, ANumberIsALocalServer) {
  EXPECT_EQ(ParseServerSpec("17"), (ServerSpec{"local", "17"}));
  EXPECT_EQ(ParseServerSpec("17").Label(), "17");
  EXPECT_EQ(ParseServerSpec("local").Label(), "local");
  EXPECT_EQ(ParseServerSpec("docker:postgres:17").Label(), "docker:postgres:17");
}

TEST(ServerSpec, SeveralAreReadInTheirOrder) {
  const std::vector<ServerSpec> specs = ParseServerSpecs("17, 13,local,docker:postgres:16");
  const std::vector<ServerSpec> expected = {{"local", "17"}, {"local", "13"}, {"local", ""}, {"docker", "postgres:16"}};
  EXPECT_EQ(specs, expected);
  const std::vector<ServerSpec> one = {{"existing", "postgresql://a,b/db"}};  // a URL may name several hosts
  EXPECT_EQ(ParseServerSpecs("existing:postgresql://a,b/db"), one);
}

TEST(ServerSpec, SeveralAreEachAnotherAndOurs) {
  EXPECT_EQ(ErrorOf([] { ParseServerSpecs("13,local:13"); }).message(), "the server '13' is named twice");
  EXPECT_EQ(ErrorOf([] { ParseServerSpecs("13,existing:postgresql://me:secret@db/x"); }).message(),
            "a server that is there already can't be one of several");
  EXPECT_EQ(ErrorOf([] { ParseServerSpecs("13,"); }).kind(), ErrorKind::kUsage);
}

TEST(ServerSpec, WhatIsMissingIsToldWithTheCommandThatInstallsIt) {
  const Error error = ErrorOf([] { ExpectAvailable(ParseServerSpecs("7,local,8"), {}); });
  EXPECT_EQ(error.kind(), ErrorKind::kServer);
  EXPECT_EQ(error.message(), "2 of 3 servers can't be started: 7, 8");
  EXPECT_EQ(error.hint(), "migproof servers install 7 8");
}

}  // namespace
}  // namespace migproof
