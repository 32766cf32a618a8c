// SHA-384 (FIPS 180-4), as the tools write it into their ledgers.
#pragma once

#include <string>
#include <string_view>

namespace migproof {

// 96 hexadecimal digits, small letters.
std::string Sha384Hex(std::string_view bytes);

}  // namespace migproof
