// Random names that nobody else makes: what marks a database, a directory or a server as ours.
//
//   RandomToken(16)   // "9f04c2d17be8a360"
#pragma once

#include <string>

namespace migproof {

// `digits` hexadecimal digits from the kernel's random source; never the same in a parent and its forked child.
std::string RandomToken(int digits);

}  // namespace migproof
