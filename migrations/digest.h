// Digests that tools write into their ledgers, and that packages are checked by; all by OpenSSL.
#pragma once

#include <string>
#include <string_view>

namespace migproof {

// Hexadecimal digits, small letters: 40 for SHA-1, 96 for SHA-384 (FIPS 180-4). Error(internal) where the library has
// them switched off.
std::string Sha1Hex(std::string_view bytes);
std::string Sha384Hex(std::string_view bytes);
// SHA-512 in base64 with padding, as npm's "sha512-..." has it (W3C Subresource Integrity).
std::string Sha512Base64(std::string_view bytes);

}  // namespace migproof
