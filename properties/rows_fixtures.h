// The fixtures whose fault shows only with rows, for the tests that put them to the proof.
//
//   for (const RowsFixture& fixture : RowsFixtures("breaks")) ...
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/postgres/test_server.h"
#include "harness/verify/property.h"
#include "harness/verify/verify.h"

namespace migproof {

struct RowsFixture {
  std::filesystem::path directory;
  std::string law;
  std::string name;                                       // "round_trip_breaks_48_nullable_column_readded"
  std::vector<std::string> breaking;                      // the revisions that must be falsified
  std::map<std::string, std::vector<std::string>> named;  // by revision: what must be named of it
};

// How GoogleTest prints it.
inline void PrintTo(const RowsFixture& fixture, std::ostream* out) { *out << fixture.name; }

// Fixtures are named by their class of fault; those of these classes take rows.
inline bool TakesRows(const std::string& case_name) {
  constexpr int kFirst = 48;
  constexpr int kLast = 80;
  const int number = std::atoi(case_name.c_str());
  return number >= kFirst && number <= kLast;
}

// What a verdict says, as a whole.
inline std::string Told(const Verdict& verdict) {
  std::string text = verdict.revision + ": " + std::string(Name(verdict.outcome)) + " " + verdict.reason + "\n";
  if (!verdict.finding) return text;
  text += verdict.finding->message + "\n";
  for (const auto& line : verdict.finding->drift) text += line + "\n";
  for (const auto& line : verdict.finding->evidence) text += line + "\n";
  return text + verdict.finding->hint + "\n";
}

// fixtures/*/`kind`/48_* to 80_*, in order.
inline std::vector<RowsFixture> RowsFixtures(const std::string& kind) {
  namespace fs = std::filesystem;
  std::vector<RowsFixture> fixtures;
  for (const std::string& law : Registry<Property>::Names()) {
    const fs::path directory = fs::path(MIGPROOF_SOURCE_DIR) / "fixtures" / law / kind;
    if (!fs::is_directory(directory)) continue;
    for (const auto& entry : fs::directory_iterator(directory)) {
      const std::string name = entry.path().filename();
      if (!entry.is_directory() || !TakesRows(name)) continue;
      RowsFixture fixture{entry.path(), law, fmt::format("{}_{}_{}", law, kind, name), {}};
      std::ifstream file(entry.path() / "expect.json");
      for (const auto& expected : nlohmann::json::parse(file).value("falsified", nlohmann::json::array())) {
        fixture.breaking.push_back(expected.at("revision"));
        fixture.named[fixture.breaking.back()] = expected.value("drift", std::vector<std::string>());
      }
      fixtures.push_back(std::move(fixture));
    }
  }
  std::sort(fixtures.begin(), fixtures.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return fixtures;
}

// The history of a fixture, with more SQL files run before it.
inline std::unique_ptr<Subject> SubjectOf(const RowsFixture& fixture,
                                          const std::vector<std::filesystem::path>& beside = {}) {
  namespace fs = std::filesystem;
  const fs::path& directory = fixture.directory;
  const fs::path history = fs::is_directory(directory / "history") ? directory / "history" : directory;
  std::vector<fs::path> before = beside;
  if (fs::exists(directory / "before.sql")) before.push_back(directory / "before.sql");
  return std::make_unique<Subject>("native", history, before, Registry<Format>::Get("native").Read(history));
}

// Looks at what the fixture's law says of the revisions that must break it, or of all where none must.
inline Report VerifyFixture(const RowsFixture& fixture, const Subject& subject, SearchOptions rows) {
  VerifyOptions options;
  options.laws = {fixture.law};
  options.revisions = fixture.breaking;
  options.jobs = 1;
  options.rows = std::move(rows);
  TestServer();  // started here: the worker that runs the case ends with it
  if (!subject.touches_cluster()) options.factory = LendTestServer;
  return Verify(subject, options, nullptr);
}

}  // namespace migproof
