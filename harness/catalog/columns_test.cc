// Goes over every column of every system catalog. Each is changed by some statement of fixtures/catalogs that changes
// the catalog we read as well, or stands in columns.txt: as part of what an object is called by, or as ignored, with
// the reason. Where only DROP and CREATE can change a column, the object must differ from what it was before the DROP.
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
      {"pg_aggregate", "x.aggfnoid::regproc::text"},
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
      {"pg_conversion", "x.conname"},
      {"pg_db_role_setting", "concat_ws(' ', x.setrole, x.setdatabase)"},
      {"pg_default_acl", "concat_ws(' ', x.defaclrole, x.defaclnamespace)"},
      {"pg_depend", "concat_ws(' ', x.classid, x.objid, x.objsubid, x.refclassid)"},
      {"pg_description", "concat_ws(' ', x.classoid, x.objoid, x.objsubid)"},
      {"pg_enum", "concat_ws(' ', x.enumtypid, x.enumlabel)"},
      {"pg_event_trigger", "x.evtname"},
      {"pg_extension", "x.extname"},
      {"pg_foreign_data_wrapper", "x.oid::text"},
      {"pg_foreign_server", "x.srvname"},
      {"pg_foreign_table", "x.ftrelid::regclass::text"},
      {"pg_index", "x.indexrelid::regclass::text"},
      {"pg_inherits", "x.inhrelid::regclass::text"},
      {"pg_opclass", "x.opcname"},
      {"pg_operator", "concat_ws(' ', x.oprname, x.oprright::regtype)"},
      {"pg_opfamily", "x.opfname"},
      {"pg_parameter_acl", "x.parname"},
      {"pg_partitioned_table", "x.partrelid::regclass::text"},
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
      {"pg_statistic_ext", "x.stxname"},
      {"pg_transform", "concat_ws(' ', x.trftype, x.trflang)"},
      {"pg_trigger", "x.tgname"},
      {"pg_ts_config_map", "concat_ws(' ', x.mapcfg, x.maptokentype)"},
      {"pg_ts_config", "x.cfgname"},
      {"pg_ts_dict", "x.dictname"},
      {"pg_ts_parser", "x.prsname"},
      {"pg_ts_template", "x.tmplname"},
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
    if (catalogs.empty() || catalogs.back().name != rows.Get(i, 0))
      catalogs.push_back({std::string(rows.Get(i, 0)), false, {}});
    catalogs.back().columns.emplace_back(rows.Get(i, 1));
    if (rows.Get(i, 1) == "oid") catalogs.back().has_oid = true;
  }
  return catalogs;
}

// The columns listed in columns.txt, with what is said of them ("= ..." for parts of names).
class ListedColumns {
 public:
  ListedColumns() {
    std::istringstream text(ReadCatalogFixture("columns.txt"));
    for (std::string line; std::getline(text, line);) {
      if (line.empty() || line.front() == '#') continue;
      const std::size_t space = line.find(' ');
      EXPECT_NE(space, std::string::npos) << "no reason: " << line;
      EXPECT_TRUE(listed_.emplace(line.substr(0, space), line.substr(space + 1)).second) << "twice: " << line;
    }
  }

  bool IsCatalogIgnored(const std::string& catalog) const { return listed_.contains(catalog + ".*"); }
  bool IsName(const std::string& catalog, const std::string& column) const { return Has(catalog, column, "= "); }
  bool IsInCompany(const std::string& catalog, const std::string& column) const { return Has(catalog, column, "+ "); }
  bool IsByHand(const std::string& catalog, const std::string& column) const { return Has(catalog, column, "<- "); }
  bool IsIgnored(const std::string& catalog, const std::string& column) const {
    if (listed_.contains("*." + column)) return true;
    return listed_.contains(catalog + "." + column) && !IsName(catalog, column) && !IsInCompany(catalog, column) &&
           !IsByHand(catalog, column);
  }
  const std::map<std::string, std::string>& all() const { return listed_; }

 private:
  bool Has(const std::string& catalog, const std::string& column, const std::string& mark) const {
    const auto found = listed_.find(catalog + "." + column);
    return found != listed_.end() && found->second.starts_with(mark);
  }

  std::map<std::string, std::string> listed_;
};

// What a statement wrote: columns of rows that kept their oid, columns of rows that were made anew, catalogs that got a
// row nobody had seen.
struct WrittenColumns {
  std::set<std::string> updated;
  std::set<std::string> remade;
  std::set<std::string> inserted;
};

class ColumnWatch {
 public:
  ColumnWatch(Session& session, const ListedColumns& listed) : session_(session) {
    for (SystemCatalog& catalog : SystemCatalogs(session)) {
      if (!listed.IsCatalogIgnored(catalog.name)) watched_.push_back(std::move(catalog));
    }
    for (const SystemCatalog& catalog : watched_) latest_[catalog.name] = ReadRows(catalog, "");
  }

  const std::vector<SystemCatalog>& watched() const { return watched_; }

  // What the open transaction has written, against the last version of each row.
  WrittenColumns TakeWritten() {
    WrittenColumns written;
    const std::string by_us = " WHERE x.xmin::text = (pg_current_xact_id()::text::numeric % 4294967296)::text";
    for (const SystemCatalog& catalog : watched_) {
      RowsByKey& latest = latest_[catalog.name];
      for (const auto& [key, row] : ReadRows(catalog, by_us)) {
        const auto was = latest.find(key);
        if (was == latest.end()) {
          written.inserted.insert(catalog.name);
        } else {
          // The first column is the row's oid, or that of what it says more about.
          const bool same = was->second.at(catalog.columns.front()) == row.at(catalog.columns.front());
          AddChanged(catalog, was->second, row, same ? written.updated : written.remade);
        }
      }
      for (auto& [key, row] : ReadRows(catalog, by_us)) latest[key] = row;
    }
    return written;
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
      if (was.at(column) != is.at(column)) changed.insert(name);
    }
  }

  Session& session_;
  std::vector<SystemCatalog> watched_;
  std::map<std::string, RowsByKey> latest_;
};

// The last version of every object that ever was in the catalog.
class Memory {
 public:
  // Whether an object that is there differs from what it last was, for all that it may have been gone meanwhile.
  bool AnyDiffers(const Catalog& now) const {
    for (const auto& [key, object] : now.objects()) {
      const auto was = objects_.find(key);
      if (was != objects_.end() && was->second != object) return true;
    }
    return false;
  }
  void Take(const Catalog& now) {
    for (const auto& [key, object] : now.objects()) objects_[key] = object;
  }

 private:
  Catalog::Objects objects_;
};

void ExpectListedColumnsExist(Session& session, const ListedColumns& listed) {
  std::set<std::string> known;
  for (const SystemCatalog& system : SystemCatalogs(session)) {
    known.insert(system.name + ".*");
    for (const std::string& column : system.columns) known.insert({system.name + "." + column, "*." + column});
  }
  for (const auto& [name, reason] : listed.all())
    EXPECT_TRUE(known.contains(name)) << name << " is listed but isn't there";
}

// A column is covered where it is the only one of weight that changed: in company, another may be what was read.
void CoverIfAlone(const std::set<std::string>& changed, const ListedColumns& listed, std::set<std::string>& covered) {
  std::set<std::string> of_weight;
  for (const std::string& name : changed) {
    const std::size_t dot = name.find('.');
    const std::string catalog = name.substr(0, dot);
    const std::string column = name.substr(dot + 1);
    if (!listed.IsIgnored(catalog, column) && !listed.IsName(catalog, column)) of_weight.insert(name);
  }
  if (of_weight.size() == 1) covered.insert(*of_weight.begin());
}

TEST(CatalogColumns, AreEachReadOrIgnoredByName) {
  if (TestServer().major_version() != 15) GTEST_SKIP() << "the columns are listed for server 15";
  GroundDatabase ground;
  Session& session = ground.session();
  const ListedColumns listed;
  ColumnWatch watch(session, listed);
  CatalogReader reader(session);
  Catalog catalog = reader.Read();
  Memory memory;
  std::set<std::string> covered;
  std::set<std::string> in_company;
  std::set<std::string> grown;  // catalogs that got a row when ours changed
  for (const ListedStatement& statement : ListedStatements()) {
    session.Execute("BEGIN");
    session.Execute(ground.Text(statement));
    const WrittenColumns written = watch.TakeWritten();
    session.Execute("COMMIT");
    memory.Take(catalog);
    const Catalog& now = reader.Read();
    if (now != catalog) in_company.insert(written.updated.begin(), written.updated.end());
    if (memory.AnyDiffers(now)) in_company.insert(written.remade.begin(), written.remade.end());
    if (now != catalog) CoverIfAlone(written.updated, listed, covered);
    if (memory.AnyDiffers(now)) CoverIfAlone(written.remade, listed, covered);
    if (now != catalog) grown.insert(written.inserted.begin(), written.inserted.end());
    catalog = now;
  }
  ExpectListedColumnsExist(session, listed);
  for (const SystemCatalog& system : watch.watched()) {
    for (const std::string& column : system.columns) {
      const std::string name = system.name + "." + column;
      if (listed.IsName(system.name, column)) {
        EXPECT_TRUE(grown.contains(system.name)) << "no statement adds a row to " << system.name;
      } else if (listed.IsInCompany(system.name, column)) {
        EXPECT_TRUE(in_company.contains(name)) << name;
      } else if (!listed.IsByHand(system.name, column)) {
        EXPECT_TRUE(covered.contains(name) || listed.IsIgnored(system.name, column))
            << name << " is neither read nor ignored";
      }
    }
  }
}

// What no command changes alone is changed by hand, and taken back.
TEST(CatalogColumns, AreSeenWhenChangedByHand) {
  if (TestServer().major_version() != 15) GTEST_SKIP() << "the columns are listed for server 15";
  GroundDatabase ground;
  Session& session = ground.session();
  CatalogReader reader(session);
  const Catalog before = reader.Read();
  const ListedColumns listed;
  for (const auto& [name, change] : listed.all()) {
    if (!change.starts_with("<- ")) continue;
    const std::size_t dot = name.find('.');
    const std::size_t where = change.rfind(" WHERE ");
    ASSERT_NE(where, std::string::npos) << name;
    const std::string sql = "UPDATE " + name.substr(0, dot) + " SET " + name.substr(dot + 1) + " = " +
                            change.substr(3, where - 3) + change.substr(where);
    session.Execute("BEGIN");
    try {
      EXPECT_EQ(session.Execute(sql).CommandTag(), "UPDATE 1") << sql;
      EXPECT_FALSE(reader.Read() == before) << "read again in part: " << sql;
      EXPECT_FALSE(reader.ReadAll() == before) << sql;
    } catch (const Error& error) {
      ADD_FAILURE() << sql << "\n" << error.Render();
    }
    session.Execute("ROLLBACK");
  }
  EXPECT_TRUE(reader.Read() == before);
}

}  // namespace
}  // namespace migproof
