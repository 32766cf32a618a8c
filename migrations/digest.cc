#include "migrations/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <vector>

#include "migrations/error.h"

namespace migproof {

namespace {

std::vector<unsigned char> Digest(std::string_view bytes, const EVP_MD* algorithm) {
  std::vector<unsigned char> digest(EVP_MAX_MD_SIZE);
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, algorithm, nullptr) != 1) {
    throw Error(ErrorKind::kInternal, fmt::format("OpenSSL does not give {}", EVP_MD_get0_name(algorithm)));
  }
  digest.resize(size);
  return digest;
}

std::string HexDigest(std::string_view bytes, const EVP_MD* algorithm) {
  std::string hex;
  for (const unsigned char byte : Digest(bytes, algorithm)) hex += fmt::format("{:02x}", byte);
  return hex;
}

}  // namespace

std::string Sha1Hex(std::string_view bytes) { return HexDigest(bytes, EVP_sha1()); }

std::string Sha384Hex(std::string_view bytes) { return HexDigest(bytes, EVP_sha384()); }

std::string Sha512Base64(std::string_view bytes) {
  const std::vector<unsigned char> digest = Digest(bytes, EVP_sha512());
  std::string text(4 * ((digest.size() + 2) / 3) + 1, '\0');  // the library ends it with a zero
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), digest.data(), static_cast<int>(digest.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

}  // namespace migproof
