// Revisions as the commands print them.
#pragma once

#include <string>
#include <vector>

#include "migrations/revision.h"

namespace migproof {

// The title, or its first 72 characters and "...".
std::string ShortTitle(const Revision& revision);

// "a1, b2".
std::string JoinIds(const std::vector<const Revision*>& revisions);

// "'a1', 'b2'".
std::string JoinQuoted(const std::vector<const Revision*>& revisions);

// "1 revision", "3 revisions"; `plural` where an "s" is not enough.
std::string CountOf(std::size_t count, const std::string& noun, const std::string& plural = "");

}  // namespace migproof
