// metadata.yaml of a sourcegraph migration.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace migproof {

struct SourcegraphMetadata {
  std::string name;
  std::vector<std::int64_t> parents;  // ascending
  bool privileged = false;
  bool concurrent_index = false;

  // Error(history) with file:line for what is not YAML, and for keys and values that the tool doesn't know.
  static SourcegraphMetadata Parse(const std::string& text, const std::string& file);
};

}  // namespace migproof
