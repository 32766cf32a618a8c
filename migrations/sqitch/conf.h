// sqitch.conf, which is written as git's configuration is.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace migproof {

// "section.sub.key" to its last value; names of sections and keys in lower case, those of subsections and variables as
// written. Error(history) with file:line for what is neither a section nor a key.
std::map<std::string, std::string> ParseSqitchConf(std::string_view text, const std::string& file);

}  // namespace migproof
