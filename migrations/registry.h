// Extension points by name: one file, one implementation, one line that registers it.
//
//   // migrations/formats/native.cc
//   const Registered<Format, NativeFormat> kNative("native");
//
//   const Format& format = Registry<Format>::Get("native");   // unknown: Error(usage) with the near name
//
// Implementations are stateless and live as long as the program. Two of the same name are refused at start.
// Names come back sorted, so no listing depends on link order.
#pragma once

#include <fmt/format.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "migrations/error.h"

namespace migproof {

// What an extension point is called in messages ("format", "law"): specialise it beside the interface.
template <typename Interface>
struct RegistryNoun;

template <typename Interface>
class Registry {
 public:
  // The implementation called `name`; Error(usage) with the near name where there is none.
  static const Interface& Get(std::string_view name) {
    const auto& entries = Entries();
    const auto found = entries.find(std::string(name));
    if (found != entries.end()) return *found->second;
    const std::string noun = RegistryNoun<Interface>::kNoun;
    throw Error(ErrorKind::kUsage, fmt::format("unknown {} '{}'", noun, name))
        .WithHint(NearNameHint(name, Names(), fmt::format("'migproof list {}s' lists the {}s there are", noun, noun)));
  }

  static std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const auto& [name, unused] : Entries()) names.push_back(name);
    return names;
  }

  static void Add(const std::string& name, std::unique_ptr<Interface> implementation) {
    if (!Entries().emplace(name, std::move(implementation)).second) {
      throw Error(ErrorKind::kInternal,
                  fmt::format("two implementations of {} '{}'", RegistryNoun<Interface>::kNoun, name));
    }
  }

 private:
  static std::map<std::string, std::unique_ptr<Interface>>& Entries() {
    static std::map<std::string, std::unique_ptr<Interface>> entries;
    return entries;
  }
};

template <typename Interface, typename Implementation>
class Registered {
 public:
  explicit Registered(const char* name) { Registry<Interface>::Add(name, std::make_unique<Implementation>()); }
};

}  // namespace migproof
