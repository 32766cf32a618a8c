// A history to measure against, of any length: tables that refer to each other, columns, indexes, each with its way
// back.
#pragma once

#include <fmt/format.h>

#include <string>

#include "ci/project.h"

namespace migproof {

struct ChainLink {
  std::string up;
  std::string down;
};

inline ChainLink LinkNumber(int number) {
  const int table = number / 4;
  switch (number % 4) {
    case 0:
      return {fmt::format("CREATE TABLE thing_{0} (id bigint PRIMARY KEY, name text NOT NULL{1});", table,
                          table == 0 ? "" : fmt::format(", of bigint REFERENCES thing_{}", (table - 1) / 2)),
              fmt::format("DROP TABLE thing_{};", table)};
    case 1:
      return {fmt::format("ALTER TABLE thing_{} ADD COLUMN note text DEFAULT '' NOT NULL;", table),
              fmt::format("ALTER TABLE thing_{} DROP COLUMN note;", table)};
    case 2:
      return {fmt::format("CREATE INDEX thing_{0}_name ON thing_{0} (name);", table),
              fmt::format("DROP INDEX thing_{}_name;", table)};
    default:
      return {fmt::format("ALTER TABLE thing_{} ADD COLUMN made timestamptz;", table),
              fmt::format("ALTER TABLE thing_{} DROP COLUMN made;", table)};
  }
}

// Writes revisions r000, r001 ... into `project`; returns all their upgrades.
inline std::string WriteChain(const Project& project, int revisions) {
  std::string upgrades;
  for (int i = 0; i < revisions; ++i) {
    const ChainLink link = LinkNumber(i);
    project.Revision(fmt::format("r{:03}", i), i == 0 ? "" : fmt::format("r{:03}", i - 1), link.up, link.down);
    upgrades += link.up + "\n";
  }
  return upgrades;
}

}  // namespace migproof
