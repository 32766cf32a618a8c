// Throws bytes at the readers of migration formats that are more than SQL: plans, changelogs, metadata. The first byte
// says which one.
//   cmake --build build/fuzz --target formats_fuzz && build/fuzz/formats_fuzz -max_total_time=300
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "migrations/error.h"
#include "migrations/liquibase/changelog.h"
#include "migrations/liquibase/text.h"
#include "migrations/sourcegraph/metadata.h"
#include "migrations/sqitch/conf.h"
#include "migrations/sqitch/plan.h"

namespace {

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "formats_fuzz: does not hold: %s\n", what);
  std::abort();
}

void ReadPlan(const std::string& text) {
  const migproof::SqitchPlan plan = migproof::SqitchPlan::Parse(text, "sqitch.plan");
  Require(!plan.project.empty(), "a plan names its project");
  for (std::size_t i = 0; i < plan.changes.size(); ++i) {
    Require(plan.changes[i].id.size() == 40, "each change has an id");
    for (const auto& needed : plan.changes[i].requires_changes) {
      Require(needed.target && *needed.target < i, "what is required comes earlier");
    }
  }
}

void ReadChangelog(const std::string& text) {
  const auto log = migproof::LiquibaseChangelog::Parse(text, "a.sql", "a.sql", {{"known", "value"}});
  for (const auto& entry : log.entries) {
    Require(entry.changeset.has_value() != entry.include.has_value(), "an entry is one of the two");
    if (!entry.changeset) continue;
    Require(!entry.changeset->id.empty() && !entry.changeset->author.empty(), "a changeset has an id and an author");
    for (const auto& statement : entry.changeset->upgrade.statements()) {
      Require(statement.line >= entry.changeset->where.line, "its statements stand below its mark");
    }
    static_cast<void>(migproof::LiquibaseContextMatches(entry.changeset->context, {"test"}, entry.changeset->where));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    switch (data[0] % 4) {
      case 0: ReadPlan(text); break;
      case 1: ReadChangelog("--liquibase formatted sql\n" + text); break;
      case 2: static_cast<void>(migproof::ParseSqitchConf(text, "sqitch.conf")); break;
      default: static_cast<void>(migproof::SourcegraphMetadata::Parse(text, "metadata.yaml")); break;
    }
  } catch (const migproof::Error& error) {
    Require(error.kind() == migproof::ErrorKind::kHistory && !error.where().empty(), "a refusal says where");
  }
  return 0;
}
