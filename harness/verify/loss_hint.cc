#include "harness/verify/loss_hint.h"

#include <fmt/format.h>

namespace migproof {

namespace {

std::string WithoutPublic(const std::string& name) {
  static constexpr std::string_view kPublic = "public.";
  return name.starts_with(kPublic) ? name.substr(kPublic.size()) : name;
}

std::string Declared(const std::string& object) {
  static constexpr std::string_view kSequence = "sequence ";
  if (!object.starts_with(kSequence)) return WithoutPublic(object);
  return std::string(kSequence) + WithoutPublic(object.substr(kSequence.size()));
}

}  // namespace

std::string LossHint(const std::set<std::string>& lost, const std::set<std::string>& tables, const std::string& kind) {
  constexpr std::size_t kShown = 3;
  std::string declarations;
  std::size_t shown = 0;
  for (const std::string& object : lost) {
    if (shown++ == kShown) break;
    const bool whole = tables.contains(object) || object.starts_with("sequence ");
    declarations += fmt::format("{}-- migproof: {} {} \"why\"", shown == 1 ? "" : " and ", whole ? "loses" : kind,
                                Declared(object));
  }
  if (declarations.empty()) return "";
  if (lost.size() > kShown) declarations += fmt::format(" (and {} more)", lost.size() - kShown);
  return "where this is meant, declare it in the revision: " + declarations;
}

}  // namespace migproof
