#include "harness/catalog/census.h"

#include <fmt/format.h>

#include "harness/catalog/read_scope.h"
#include "harness/catalog/text_array.h"

namespace migproof {

namespace {

struct CountedKind {
  const char* kind;
  const char* from;  // what follows "SELECT 1 FROM" where there is one
};

// `mine` are the relations that count; functions and the rest are asked for their extension one by one.
constexpr CountedKind kCountedKinds[] = {
    {"access method", "pg_am AS x WHERE x.oid >= 16384 AND NOT member('pg_am', x.oid)"},
    {"aggregate", "pg_proc AS x WHERE x.oid >= 16384 AND x.prokind = 'a' AND NOT member('pg_proc', x.oid)"},
    {"base type",
     "pg_type AS x WHERE x.oid >= 16384 AND x.typtype = 'b' AND x.typinput <> 'array_in'::regproc AND "
     "NOT member('pg_type', x.oid)"},
    {"cast", "pg_cast AS x WHERE x.oid >= 16384 AND NOT member('pg_cast', x.oid)"},
    {"check constraint", "pg_constraint AS x JOIN mine ON mine.oid = x.conrelid WHERE x.contype = 'c'"},
    {"collation", "pg_collation AS x WHERE x.oid >= 16384 AND NOT member('pg_collation', x.oid)"},
    {"column",
     "pg_attribute AS x JOIN mine ON mine.oid = x.attrelid WHERE mine.relkind IN ('r', 'p') AND x.attnum > 0 AND "
     "NOT x.attisdropped"},
    {"comment", "pg_description AS x JOIN mine ON mine.oid = x.objoid WHERE x.classoid = 'pg_class'::regclass"},
    {"composite type", "mine AS x WHERE x.relkind = 'c'"},
    {"conversion", "pg_conversion AS x WHERE x.oid >= 16384 AND NOT member('pg_conversion', x.oid)"},
    {"database", "pg_database AS x"},
    {"database setting",
     "pg_db_role_setting AS x JOIN pg_database AS d ON d.oid = x.setdatabase WHERE x.setrole = 0 AND "
     "d.datname = current_database()"},
    {"default privilege",
     "pg_default_acl AS x CROSS JOIN LATERAL aclexplode(x.defaclacl) AS a WHERE a.grantee NOT IN (0, x.defaclrole)"},
    {"domain", "pg_type AS x WHERE x.oid >= 16384 AND x.typtype = 'd' AND NOT member('pg_type', x.oid)"},
    {"domain constraint",
     "pg_constraint AS x WHERE x.oid >= 16384 AND x.contypid <> 0 AND x.contype = 'c' AND "
     "NOT member('pg_type', x.contypid)"},
    {"enum", "pg_type AS x WHERE x.oid >= 16384 AND x.typtype = 'e' AND NOT member('pg_type', x.oid)"},
    {"event trigger", "pg_event_trigger AS x WHERE NOT member('pg_event_trigger', x.oid)"},
    {"exclusion constraint", "pg_constraint AS x JOIN mine ON mine.oid = x.conrelid WHERE x.contype = 'x'"},
    {"extension", "pg_extension AS x WHERE x.oid >= 16384"},
    {"extension dependency", "pg_depend AS x WHERE x.refclassid = 'pg_extension'::regclass AND x.deptype = 'x'"},
    {"foreign data wrapper",
     "pg_foreign_data_wrapper AS x WHERE x.oid >= 16384 AND NOT member('pg_foreign_data_wrapper', x.oid)"},
    {"foreign key", "pg_constraint AS x JOIN mine ON mine.oid = x.conrelid WHERE x.contype = 'f'"},
    {"foreign table", "mine AS x WHERE x.relkind = 'f'"},
    {"function",
     "pg_proc AS x WHERE x.oid >= 16384 AND x.prokind IN ('f', 'w') AND NOT member('pg_proc', x.oid) AND NOT EXISTS "
     "(SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = x.oid AND d.deptype = 'i')"},
    {"index",
     "pg_index AS x JOIN mine ON mine.oid = x.indrelid WHERE NOT EXISTS "
     "(SELECT FROM pg_constraint AS c WHERE c.conindid = x.indexrelid)"},
    {"language", "pg_language AS x WHERE x.oid >= 16384 AND NOT member('pg_language', x.oid)"},
    {"materialized view", "mine AS x WHERE x.relkind = 'm'"},
    {"namespace",
     "pg_namespace AS x WHERE x.oid >= 16384 AND x.nspname !~ '^pg_' AND NOT member('pg_namespace', x.oid)"},
    {"operator", "pg_operator AS x WHERE x.oid >= 16384 AND x.oprcode <> 0 AND NOT member('pg_operator', x.oid)"},
    {"operator class", "pg_opclass AS x WHERE x.oid >= 16384 AND NOT member('pg_opclass', x.oid)"},
    {"operator family", "pg_opfamily AS x WHERE x.oid >= 16384 AND NOT member('pg_opfamily', x.oid)"},
    {"operator family function",
     "pg_amproc AS x WHERE x.oid >= 16384 AND NOT member('pg_opfamily', x.amprocfamily) AND "
     "NOT member('pg_amproc', x.oid)"},
    {"operator family operator",
     "pg_amop AS x WHERE x.oid >= 16384 AND NOT member('pg_opfamily', x.amopfamily) AND NOT member('pg_amop', x.oid)"},
    {"policy", "pg_policy AS x JOIN mine ON mine.oid = x.polrelid"},
    {"primary key", "pg_constraint AS x JOIN mine ON mine.oid = x.conrelid WHERE x.contype = 'p'"},
    {"privilege",
     "pg_class AS x JOIN mine ON mine.oid = x.oid CROSS JOIN LATERAL aclexplode(x.relacl) AS a WHERE "
     "a.grantee <> x.relowner"},
    {"procedure", "pg_proc AS x WHERE x.oid >= 16384 AND x.prokind = 'p' AND NOT member('pg_proc', x.oid)"},
    {"publication", "pg_publication AS x WHERE NOT member('pg_publication', x.oid)"},
    {"publication table",
     "pg_publication_rel AS x JOIN mine ON mine.oid = x.prrelid WHERE NOT member('pg_publication', x.prpubid)"},
    {"range type", "pg_type AS x WHERE x.oid >= 16384 AND x.typtype = 'r' AND NOT member('pg_type', x.oid)"},
    {"role", "pg_roles AS x WHERE x.oid >= 16384 AND x.rolname !~ '^pg_'"},
    {"role membership", "pg_auth_members AS x WHERE x.member >= 16384"},
    {"role setting",
     "pg_db_role_setting AS x WHERE x.setrole <> 0 AND (x.setdatabase = 0 OR x.setdatabase = "
     "(SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()))"},
    {"rule", "pg_rewrite AS x JOIN mine ON mine.oid = x.ev_class WHERE x.rulename <> '_RETURN'"},
    {"security label", "pg_seclabel AS x"},
    {"sequence", "mine AS x WHERE x.relkind = 'S'"},
    {"server", "pg_foreign_server AS x WHERE NOT member('pg_foreign_server', x.oid)"},
    {"statistics object", "pg_statistic_ext AS x JOIN mine ON mine.oid = x.stxrelid"},
    {"subscription",
     "pg_subscription AS x JOIN pg_database AS d ON d.oid = x.subdbid JOIN pg_roles AS r ON r.rolname = session_user "
     "WHERE d.datname = current_database() AND r.rolsuper"},
    {"table", "mine AS x WHERE x.relkind IN ('r', 'p')"},
    {"text search configuration", "pg_ts_config AS x WHERE x.oid >= 16384 AND NOT member('pg_ts_config', x.oid)"},
    {"text search dictionary", "pg_ts_dict AS x WHERE x.oid >= 16384 AND NOT member('pg_ts_dict', x.oid)"},
    {"text search parser", "pg_ts_parser AS x WHERE x.oid >= 16384 AND NOT member('pg_ts_parser', x.oid)"},
    {"text search template", "pg_ts_template AS x WHERE x.oid >= 16384 AND NOT member('pg_ts_template', x.oid)"},
    {"transform", "pg_transform AS x WHERE x.oid >= 16384 AND NOT member('pg_transform', x.oid)"},
    {"trigger", "pg_trigger AS x JOIN mine ON mine.oid = x.tgrelid WHERE NOT x.tgisinternal"},
    {"unique constraint", "pg_constraint AS x JOIN mine ON mine.oid = x.conrelid WHERE x.contype = 'u'"},
    {"user mapping", "pg_user_mappings AS x"},
    {"view", "mine AS x WHERE x.relkind = 'v'"},
};

// Came with 15.
constexpr CountedKind kPublicationNamespace = {"publication namespace", "pg_publication_namespace AS x"};

// "member('pg_proc', x.oid)" spelled out: whether an extension brought the object.
std::string WithMembers(std::string sql) {
  const std::string call = "member('";
  for (std::size_t at = 0; (at = sql.find(call, at)) != std::string::npos;) {
    const std::size_t comma = sql.find("', ", at);
    const std::size_t end = sql.find(')', comma);
    const std::string table = sql.substr(at + call.size(), comma - at - call.size());
    const std::string oid = sql.substr(comma + 3, end - comma - 3);
    const std::string spelled = fmt::format(
        "EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = '{}'::regclass AND e.objid = {} AND e.deptype = 'e')",
        table, oid);
    sql.replace(at, end + 1 - at, spelled);
    at += spelled.size();
  }
  return sql;
}

// $1: qualified names of tables to leave out, with what they own.
std::string CensusSql(int major_version) {
  std::string sql = WithMembers(R"(
WITH left_out AS MATERIALIZED (
  SELECT to_regclass(n)::oid AS oid FROM unnest($1::text[]) AS n),
mine AS MATERIALIZED (
  SELECT c.oid, c.relkind
    FROM pg_class AS c
   WHERE c.oid >= 16384 AND c.relpersistence <> 't' AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')
     AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)
     AND NOT member('pg_class', c.oid)
     AND NOT EXISTS (SELECT FROM left_out AS l WHERE l.oid = c.oid)
     AND NOT EXISTS (SELECT FROM pg_depend AS d JOIN left_out AS l ON l.oid = d.refobjid
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                        AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0)))");
  auto add = [&, first = true](const CountedKind& counted) mutable {
    sql += fmt::format("\n{}SELECT '{}' WHERE EXISTS (SELECT 1 FROM {})", first ? "" : "UNION ALL ", counted.kind,
                       WithMembers(counted.from));
    first = false;
  };
  for (const CountedKind& counted : kCountedKinds) add(counted);
  if (major_version >= 15) add(kPublicationNamespace);
  return sql;
}

}  // namespace

Census TakeCensus(Session& session, const std::vector<std::string>& leave_out) {
  const ReadScope scope(session);
  const Rows rows = session.Query(CensusSql(session.major_version()), {TextArray(leave_out)});
  Census census;
  for (int i = 0; i < rows.size(); ++i) census.emplace(rows.Get(i, 0));
  return census;
}

std::vector<std::string> Unseen(const Census& census, const Catalog& catalog) {
  std::vector<std::string> unseen;
  for (const std::string& kind : census) {
    const auto first = catalog.objects().lower_bound(ObjectKey{kind, ""});
    if (first == catalog.objects().end() || first->first.kind != kind) unseen.push_back(kind);
  }
  return unseen;
}

}  // namespace migproof
