// The public histories to measure against, in the directory that MIGPROOF_CORPORA names.
#pragma once

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "migrations/error.h"

namespace migproof {

// Error(usage) where it is not there.
inline std::filesystem::path Corpus(const std::string& name) {
  const char* corpora = std::getenv("MIGPROOF_CORPORA");
  const std::filesystem::path path = corpora == nullptr ? "" : std::filesystem::path(corpora) / name;
  if (path.empty() || !std::filesystem::is_directory(path)) {
    throw Error(ErrorKind::kUsage, fmt::format("the history '{}' is not there", name))
        .WithHint("MIGPROOF_CORPORA names the directory that holds it");
  }
  return path;
}

}  // namespace migproof
