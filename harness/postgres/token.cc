#include "harness/postgres/token.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <cerrno>
#include <cstring>

#include "migrations/error.h"

namespace migproof {

std::string RandomToken(int digits) {
  unsigned char bytes[32];
  if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) {
    throw Error(ErrorKind::kInternal, fmt::format("the kernel gave no random bytes: {}", std::strerror(errno)));
  }
  std::string token;
  for (int i = 0; i < digits; ++i) token += "0123456789abcdef"[bytes[i % 32] >> (i / 32 % 2 * 4) & 15];
  return token;
}

}  // namespace migproof
