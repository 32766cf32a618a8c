#include "migrations/sourcegraph/metadata.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "migrations/error.h"

namespace migproof {

namespace {

const std::vector<std::string> kSourcegraphKeys = {"name",       "parent",        "parents",
                                                   "privileged", "nonIdempotent", "createIndexConcurrently"};

class SourcegraphMetadataReader {
 public:
  explicit SourcegraphMetadataReader(std::string file) : file_(std::move(file)) {}

  SourcegraphMetadata Read(const std::string& text) {
    try {
      return ReadNode(YAML::Load(text));
    } catch (const YAML::Exception& failure) {
      throw Complaint(failure.mark, fmt::format("not YAML: {}", failure.msg));
    }
  }

 private:
  SourcegraphMetadata ReadNode(const YAML::Node& root) {
    if (!root.IsMap()) throw Complaint(root.Mark(), "no keys and values, where 'name' and 'parents' should stand");
    std::set<std::string> seen;
    for (const auto& pair : root) {
      if (!pair.first.IsScalar()) throw Complaint(pair.first.Mark(), "a key that is no text");
      const std::string& key = pair.first.Scalar();
      if (!seen.insert(key).second) throw Complaint(pair.first.Mark(), fmt::format("the key '{}' is there twice", key));
      Take(key, pair.first.Mark(), pair.second);
    }
    std::sort(metadata_.parents.begin(), metadata_.parents.end());
    return std::move(metadata_);
  }

  void Take(const std::string& key, const YAML::Mark& mark, const YAML::Node& value) {
    if (key == "name") {
      if (!value.IsScalar()) throw Complaint(mark, "'name' is no text");
      metadata_.name = value.Scalar();
    } else if (key == "parent") {
      metadata_.parents.push_back(Version(key, value));
    } else if (key == "parents") {
      if (value.IsNull()) return;
      if (!value.IsSequence()) throw Complaint(mark, "'parents' is no list of versions");
      for (const YAML::Node& parent : value) metadata_.parents.push_back(Version(key, parent));
    } else if (key == "privileged") {
      metadata_.privileged = Flag(key, value);
    } else if (key == "createIndexConcurrently") {
      metadata_.concurrent_index = Flag(key, value);
    } else if (key == "nonIdempotent") {
      Flag(key, value);
    } else {
      throw Complaint(mark, fmt::format("unknown key '{}'", key))
          .WithHint(NearNameHint(key, kSourcegraphKeys,
                                 fmt::format("the keys there are: {}", fmt::join(kSourcegraphKeys, ", "))));
    }
  }

  std::int64_t Version(const std::string& key, const YAML::Node& node) const {
    std::int64_t version = 0;
    const std::string text = node.IsScalar() ? node.Scalar() : "";
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), version);
    if (failure == std::errc() && end == text.data() + text.size() && version > 0) return version;
    throw Complaint(node.Mark(), fmt::format("'{}' names a version by its number, found '{}'", key, text));
  }

  bool Flag(const std::string& key, const YAML::Node& node) const {
    bool value = false;
    if (node.IsScalar() && YAML::convert<bool>::decode(node, value)) return value;
    throw Complaint(node.Mark(), fmt::format("'{}' is neither true nor false", key));
  }

  Error Complaint(const YAML::Mark& mark, const std::string& message) const {
    return Error(ErrorKind::kHistory, message).WithLocation({file_, mark.is_null() ? 0 : mark.line + 1});
  }

  std::string file_;
  SourcegraphMetadata metadata_;
};

}  // namespace

SourcegraphMetadata SourcegraphMetadata::Parse(const std::string& text, const std::string& file) {
  return SourcegraphMetadataReader(file).Read(text);
}

}  // namespace migproof
