#include "harness/cli/revision_text.h"

#include <fmt/format.h>

namespace migproof {

namespace {

constexpr std::size_t kTitleLength = 72;

}  // namespace

std::string ShortTitle(const Revision& revision) {
  if (revision.title.size() <= kTitleLength) return revision.title;
  std::size_t end = kTitleLength;
  while (end > 0 && (static_cast<unsigned char>(revision.title[end]) & 0xC0) == 0x80) --end;  // whole characters
  return revision.title.substr(0, end) + "...";
}

std::string JoinIds(const std::vector<const Revision*>& revisions) {
  std::string text;
  for (const Revision* revision : revisions) text += (text.empty() ? "" : ", ") + revision->id;
  return text;
}

std::string JoinQuoted(const std::vector<const Revision*>& revisions) {
  std::string text;
  for (const Revision* revision : revisions) text += fmt::format("{}'{}'", text.empty() ? "" : ", ", revision->id);
  return text;
}

std::string CountOf(std::size_t count, const std::string& noun, const std::string& plural) {
  if (count == 1) return "1 " + noun;
  return fmt::format("{} {}", count, plural.empty() ? noun + "s" : plural);
}

}  // namespace migproof
