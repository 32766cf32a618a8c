#include "harness/verify/model.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/verify/made_beforehand.h"
#include "migrations/alembic/tool.h"
#include "migrations/format.h"

namespace migproof {

Catalog ReadModelFile(const std::filesystem::path& file) {
  if (file.extension() != ".json") {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' is no model", file.string()))
        .WithHint("a model is a .json file written by `migproof catalog`, or an .sql file that makes it");
  }
  try {
    return CatalogFromJson(nlohmann::json::parse(ReadTextFile(file)));
  } catch (const nlohmann::json::parse_error& error) {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' is not JSON: {}", file.string(), error.what()));
  } catch (Error& error) {
    error.AddContext(fmt::format("in the model '{}'", file.string()));
    throw;
  }
}

Catalog RunModelScript(const Script& script, const Bench& bench) {
  const auto database = bench.Empty();
  const auto session = database->Connect();
  database->CheckToken(*session);
  // An extension that a guest finds there already is as the model wants it.
  RunScript(*session, script, [&](const Error& error) { return IsMadeBeforehand(bench.server(), error); });
  // A namespace that the tool keeps for its ledger is no part of a model.
  for (const std::string& sql : bench.subject().ledger().CreateSql()) {
    if (LeadingWords(sql, 2) == "CREATE SCHEMA") session->Execute(sql);
  }
  return CatalogReader(*session, {.leave_out_tables = bench.subject().ledger().Tables()}).Read();
}

Catalog RunModelCode(const std::string& name, const ToolSettings& settings, const Server& server,
                     const std::vector<std::string>& extensions, const std::vector<std::string>& leave_out) {
  const auto database = Database::Create(server);
  const auto session = database->Connect();
  database->CheckToken(*session);
  for (const std::string& extension : extensions) {
    const bool quoted = extension.starts_with('"');
    session->Execute(
        fmt::format("CREATE EXTENSION IF NOT EXISTS {} CASCADE", quoted ? extension : session->QuoteName(extension)));
  }
  AlembicProject project;
  project.base = ".";
  AlembicTool(project, settings)
      .CreateModel({session->Url(), database->TokenQuestion(), database->TokenAnswer(), {}}, name);
  return CatalogReader(*session, {.leave_out_tables = leave_out}).Read();
}

Catalog ReadDatabase(const std::string& conninfo, const std::vector<std::string>& leave_out) {
  Session session(conninfo);
  session.Execute("SET default_transaction_read_only = on");
  return CatalogReader(session, {.leave_out_tables = leave_out}).Read();
}

}  // namespace migproof
