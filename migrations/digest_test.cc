#include "migrations/digest.h"

#include <gtest/gtest.h>

namespace migproof {
namespace {

// Known answers of FIPS 180-4 for "abc".
TEST(Digest, GivesTheKnownAnswers) {
  EXPECT_EQ(Sha1Hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(Sha384Hex("abc").substr(0, 24), "cb00753f45a35e8bb5a03d69");
  EXPECT_EQ(Sha512Base64("abc"),
            "3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==");
}

}  // namespace
}  // namespace migproof
