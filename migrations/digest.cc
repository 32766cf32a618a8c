#include "migrations/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "migrations/error.h"

namespace migproof {

namespace {

std::string HexDigest(std::string_view bytes, const EVP_MD* algorithm) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, algorithm, nullptr) != 1) {
    throw Error(ErrorKind::kInternal, fmt::format("OpenSSL does not give {}", EVP_MD_get0_name(algorithm)));
  }
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

}  // namespace

std::string Sha1Hex(std::string_view bytes) { return HexDigest(bytes, EVP_sha1()); }

std::string Sha384Hex(std::string_view bytes) { return HexDigest(bytes, EVP_sha384()); }

}  // namespace migproof
