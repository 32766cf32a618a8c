// An array of texts in the server's input syntax, for a parameter of type text[].
#pragma once

#include <string>
#include <vector>

namespace migproof {

std::string TextArray(const std::vector<std::string>& texts);

}  // namespace migproof
