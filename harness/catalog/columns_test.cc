// Goes over every column of every system catalog: each is changed by some statement of fixtures/catalogs that changes the
// catalog we read as well, or is ignored by name with the reason in ignored_columns.txt.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/catalog/read.h"
#include "harness/catalog/statements_for_test.h"

namespace migproof {
namespace {

using nlohmann::json;
using RowsByKey = std::map<std::string, json>;

// How a row is known again after DROP and CREATE, where the statements make the same thing otherwise: by what it is of,
// in names. A row that kept its oid is known by that.
const std::map<std::string, std::string>& NaturalKeys() {
  static const std::map<std::string, std::string> keys{
      {"pg_aggregate", "x.aggfnoid::regprocedure::text"},
      {"pg_am", "x.amname"},
      {"pg_amop", "concat_ws(' ', x.amoplefttype::regtype, x.amoprighttype::regtype, x.amopmethod)"},
      {"pg_amproc", "concat_ws(' ', x.amproclefttype::regtype, x.amprocrighttype::regtype, x.amprocnum)"},
      {"pg_attrdef", "concat_ws('.', x.adrelid::regclass, x.adnum)"},
      {"pg_attribute", "concat_ws('.', x.attrelid::regclass, x.attnum)"},
      {"pg_auth_members", "concat_ws(' ', x.member, x.roleid)"},
      {"pg_cast", "concat_ws(' ', x.castsource::regtype, x.casttarget::regtype)"},
      {"pg_class", "x.oid::regclass::text"},
      {"pg_collation", "x.collname"},
      {"pg_constraint", "x.conname"},
      {"pg_conversion", "x.connamespace::text"},
      {"pg_db_role_setting", "concat_ws(' ', x.setrole, x.setdatabase)"},
      {"pg_default_acl", "concat_ws(' ', x.defaclrole, x.defaclnamespace)"},
      {"pg_depend", "concat_ws(' ', x.classid, x.objid, x.objsubid, x.refclassid)"},
      {"pg_description", "concat_ws(' ', x.classoid, x.objoid, x.objsubid)"},
      {"pg_enum", "concat_ws(' ', x.enumtypid, x.enumlabel)"},
      {"pg_event_trigger", "x.evtfoid::regproc::text"},
      {"pg_extension", "x.extname"},
      {"pg_foreign_data_wrapper", "x.oid::text"},
      {"pg_foreign_server", "x.srvfdw::text"},
      {"pg_foreign_table", "x.ftrelid::text"},
      {"pg_index", "x.indexrelid::regclass::text"},
      {"pg_inherits", "x.inhrelid::regclass::text"},
      {"pg_opclass", "x.opcintype::regtype::text"},
      {"pg_operator", "concat_ws(' ', x.oprname, x.oprright::regtype)"},
      {"pg_opfamily", "x.opfnamespace::text"},
      {"pg_parameter_acl", "x.parname"},
      {"pg_partitioned_table", "''"},
      {"pg_policy", "x.polname"},
      {"pg_proc", "concat_ws(' ', x.pronamespace, x.proname)"},
      {"pg_publication", "x.pubname"},
      {"pg_publication_namespace", "x.pnpubid::text"},
      {"pg_publication_rel", "x.prpubid::text"},
      {"pg_range", "x.rngtypid::regtype::text"},
      {"pg_rewrite", "x.rulename || x.ev_class::regclass::text"},
      {"pg_seclabel", "x.provider"},
      {"pg_sequence", "x.seqrelid::text"},
      {"pg_shdescription", "concat_ws(' ', x.classoid, x.objoid)"},
      {"pg_shseclabel", "x.provider"},
      {"pg_statistic_ext", "x.stxnamespace::text"},
      {"pg_transform", "concat_ws(' ', x.trftype, x.trflang)"},
      {"pg_trigger", "x.tgname"},
      {"pg_ts_config_map", "concat_ws(' ', x.mapcfg, x.maptokentype)"},
      {"pg_ts_parser", "''"},
      {"pg_ts_template", "''"},
      {"pg_type", "x.oid::regtype::text"},
      {"pg_user_mapping", "x.umserver::text"},
  };
  return keys;
}

struct SystemCatalog {
  std::string name;
  bool has_oid = false;
  std::vector<std::string> columns;
};

std::vector<SystemCatalog> SystemCatalogs(Session& session) {
  const Rows rows = session.Query(
      "SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 "
      "WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' AND NOT a.attisdropped "
      "ORDER BY c.relname, a.attnum");
  std::vector<SystemCatalog> catalogs;
  for (int i = 0; i < rows.size(); ++i) {
    if (catalogs.empty() || catalogs.back().name != rows.Get(i, 0)) catalogs.push_back({std::string(rows.Get(i, 0)), false, {}});
    catalogs.back().columns.emplace_back(rows.Get(i, 1));
    if (rows.Get(i, 1) == "oid") catalogs.back().has_oid = true;
  }
  return catalogs;
}

// "pg_class.relpages  statistics" or "pg_statistic.*  statistics", a line each.
std::map<std::string, std::string> IgnoredColumns() {
  std::istringstream text(ReadCatalogFixture("ignored_columns.txt"));
  std::map<std::string, std::string> ignored;
  for (std::string line; std::getline(text, line);) {
    if (line.empty() || line.front() == '#') continue;
    const std::size_t space = line.find(' ');
    EXPECT_NE(space, std::string::npos) << "no reason: " << line;
    EXPECT_TRUE(ignored.emplace(line.substr(0, space), line.substr(space + 1)).second) << "twice: " << line;
  }
  return ignored;
}

class ColumnWatch {
 public:
  ColumnWatch(Session& session, std::map<std::string, std::string> ignored)
      : session_(session), ignored_(std::move(ignored)) {
    for (SystemCatalog& catalog : SystemCatalogs(session)) {
      if (!ignored_.contains(catalog.name + ".*")) watched_.push_back(std::move(catalog));
    }
    for (const SystemCatalog& catalog : watched_) latest_[catalog.name] = ReadRows(catalog, "");
  }

  const std::vector<SystemCatalog>& watched() const { return watched_; }

  // The columns that differ from the last version of their row in what the open transaction has written.
  std::set<std::string> ChangedColumns() {
    std::set<std::string> changed;
    const std::string written = " WHERE x.xmin::text = (pg_current_xact_id()::text::numeric % 4294967296)::text";
    for (const SystemCatalog& catalog : watched_) {
      for (const auto& [key, row] : ReadRows(catalog, written)) {
        RowsByKey& latest = latest_[catalog.name];
        const auto was = latest.find(key);
        if (was != latest.end()) AddChanged(catalog, was->second, row, changed);
        latest[key] = row;
      }
    }
    return changed;
  }

 private:
  // Each row under its oid and under its natural key.
  RowsByKey ReadRows(const SystemCatalog& catalog, const std::string& where) {
    const auto natural = NaturalKeys().find(catalog.name);
    const Rows rows = session_.Query("SELECT " + std::string(catalog.has_oid ? "x.oid::text" : "NULL") + ", " +
                                     (natural == NaturalKeys().end() ? "NULL" : natural->second) +
                                     ", to_jsonb(x) FROM " + catalog.name + " AS x" + where);
    RowsByKey by_key;
    for (int i = 0; i < rows.size(); ++i) {
      const json row = json::parse(rows.Get(i, 2));
      if (!rows.IsNull(i, 0)) by_key["oid " + std::string(rows.Get(i, 0))] = row;
      if (!rows.IsNull(i, 1)) by_key["key " + std::string(rows.Get(i, 1))] = row;
    }
    return by_key;
  }

  void AddChanged(const SystemCatalog& catalog, const json& was, const json& is, std::set<std::string>& changed) const {
    for (const std::string& column : catalog.columns) {
      const std::string name = catalog.name + "." + column;
      if (was.at(column) != is.at(column) && !ignored_.contains(name)) changed.insert(name);
    }
  }

  Session& session_;
  const std::map<std::string, std::string> ignored_;
  std::vector<SystemCatalog> watched_;
  std::map<std::string, RowsByKey> latest_;
};

TEST(CatalogColumns, AreEachCoveredOrIgnoredByName) {
  if (TestServer().major_version() != 15) GTEST_SKIP() << "the list of columns is that of server 15";
  GroundDatabase ground;
  Session& session = ground.session();
  const std::map<std::string, std::string> ignored = IgnoredColumns();
  ColumnWatch watch(session, ignored);
  CatalogReader reader(session);
  Catalog catalog = reader.Read();
  std::set<std::string> covered;
  for (const ListedStatement& statement : ListedStatements()) {
    session.Execute("BEGIN");
    session.Execute(ground.Text(statement));
    const std::set<std::string> changed = watch.ChangedColumns();
    session.Execute("COMMIT");
    const Catalog& now = reader.Read();
    if (now != catalog) covered.insert(changed.begin(), changed.end());
    catalog = now;
  }
  std::set<std::string> known;
  for (const SystemCatalog& system : SystemCatalogs(session)) {
    known.insert(system.name + ".*");
    for (const std::string& column : system.columns) known.insert(system.name + "." + column);
  }
  for (const SystemCatalog& system : watch.watched()) {
    for (const std::string& column : system.columns) {
      const std::string name = system.name + "." + column;
      EXPECT_TRUE(covered.contains(name) || ignored.contains(name)) << name << " is neither read nor ignored";
    }
  }
  for (const auto& [name, reason] : ignored) EXPECT_TRUE(known.contains(name)) << name << " is ignored but isn't there";
}

}  // namespace
}  // namespace migproof
