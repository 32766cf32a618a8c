// Whether tests take their time: MIGPROOF_THOROUGH in the environment asks for ten seeds, all cases, every revision.
#pragma once

#include <cstdlib>

namespace migproof {

inline bool Thorough() { return std::getenv("MIGPROOF_THOROUGH") != nullptr; }  // NOLINT(concurrency-mt-unsafe)

}  // namespace migproof
