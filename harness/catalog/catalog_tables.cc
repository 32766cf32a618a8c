#include "harness/catalog/catalog_tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

namespace migproof {

namespace {

// Objects below are the server's own (FirstNormalObjectId in access/transam.h).
constexpr const char* kFirstOid = "16384";

std::string RowHash(const std::string& alias, int major_version) {
  // hash_record_extended came with 14.
  if (major_version >= 14) return fmt::format("hash_record_extended(ROW({0}.ctid, {0}.xmin), 0)", alias);
  return fmt::format("hashtextextended({0}.ctid::text, {0}.xmin::text::bigint)", alias);
}

// As RowHash at a third of the price, for tables where every row counts: age() is what there is to make a number of an
// xid, and the difference of two ages does not depend on now. Not for rows of the server's own: those that initdb wrote
// have an xmin of 1, whose age is always the same.
std::string FastRowHash(const std::string& alias, int major_version) {
  if (major_version < 14) return RowHash(alias, major_version);
  return fmt::format("hashtidextended({0}.ctid, age({0}.xmin)::bigint - (SELECT age('3'::xid)))", alias);
}

std::string HashOf(const CatalogTable& table, int major_version) {
  if (!table.hash.empty()) return table.hash;
  return table.relation.empty() ? RowHash("x", major_version) : FastRowHash("x", major_version);
}

CatalogTable ByOid(const std::string& table, const std::string& oid = "oid") {
  return {table, fmt::format("{} AS x WHERE x.{} >= {}", table, oid, kFirstOid), "", false};
}

CatalogTable OfRelation(const std::string& table, const std::string& oid, const std::string& relation) {
  CatalogTable made = ByOid(table, oid);
  made.relation = "x." + relation;
  return made;
}

// A catalog that only superusers may read, by the view that shows it to others (which has no xmin).
CatalogTable ByContent(const std::string& table, const std::string& view) {
  return {table, view + " AS x", "", false, "hashtextextended(x::text, 0)"};
}

CatalogTable Marked(CatalogTable table, std::vector<std::pair<std::string, std::string>> marks) {
  table.marks = std::move(marks);
  return table;
}

CatalogTable Naming(CatalogTable table) {
  table.names = true;
  return table;
}

bool IsLarge(const std::string& table) {
  return table == "pg_class" || table == "pg_attribute" || table == "pg_attrdef" || table == "pg_constraint" ||
         table == "pg_index" || table == "pg_trigger" || table == "pg_description";
}

std::vector<CatalogTable> RelationTables() {
  CatalogTable sequence_owners{
      "sequence_owners",
      // By sequence (OFFSET 0), not by dependency: there are many more of those.
      "pg_sequence AS s CROSS JOIN LATERAL (SELECT d.ctid, d.xmin, d.objid FROM pg_depend AS d "
      "WHERE d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid AND d.objsubid = 0 "
      "AND d.deptype IN ('a', 'i') OFFSET 0) AS x",
      "x.objid"};
  sequence_owners.stands_on = "pg_sequence";
  return {
      Marked(OfRelation("pg_class", "oid", "oid"), {{"acl", "x.relacl IS NOT NULL"}}),
      Marked({"pg_attribute", fmt::format("pg_attribute AS x WHERE x.attrelid >= {} AND x.attnum > 0", kFirstOid),
              "x.attrelid"},
             {{"acl", "x.attacl IS NOT NULL"}}),
      OfRelation("pg_attrdef", "oid", "adrelid"),
      Marked(OfRelation("pg_constraint", "oid", "conrelid"), {{"check", "x.contype = 'c'"},
                                                              {"foreign_key", "x.contype = 'f'"},
                                                              {"primary_key", "x.contype = 'p'"},
                                                              {"unique", "x.contype = 'u'"},
                                                              {"exclusion", "x.contype = 'x'"}}),
      OfRelation("pg_index", "indexrelid", "indrelid"),
      // The triggers of a foreign key stand on both tables, and belong to the one that has the key as well.
      Marked({"pg_trigger",
              fmt::format("pg_trigger AS x CROSS JOIN LATERAL (VALUES (x.tgrelid), (x.tgconstrrelid)) AS v (relation) "
                          "WHERE x.oid >= {}",
                          kFirstOid),
              "v.relation"},
             {{"own", "NOT x.tgisinternal"}}),
      OfRelation("pg_rewrite", "oid", "ev_class"),
      OfRelation("pg_policy", "oid", "polrelid"),
      OfRelation("pg_inherits", "inhrelid", "inhrelid"),
      OfRelation("pg_partitioned_table", "partrelid", "partrelid"),
      OfRelation("pg_sequence", "seqrelid", "seqrelid"),
      std::move(sequence_owners),
      OfRelation("pg_statistic_ext", "oid", "stxrelid"),
      OfRelation("pg_foreign_table", "ftrelid", "ftrelid"),
      {"pg_description", fmt::format("pg_description AS x WHERE x.objoid >= {}", kFirstOid),
       "CASE WHEN x.classoid = 'pg_class'::regclass THEN x.objoid ELSE 0 END"},
  };
}

void AddNamingTables(bool superuser, std::vector<CatalogTable>& tables) {
  tables.push_back(Naming(
      {"pg_namespace", "pg_namespace AS x WHERE x.nspname !~ '^pg_' AND x.nspname <> 'information_schema'", ""}));
  for (const char* table : {"pg_operator", "pg_opclass", "pg_opfamily", "pg_collation", "pg_am", "pg_ts_config",
                            "pg_ts_dict", "pg_ts_parser", "pg_ts_template", "pg_foreign_data_wrapper",
                            "pg_foreign_server", "pg_tablespace", "pg_extension"}) {
    tables.push_back(Naming(ByOid(table)));
  }
  // The server's own languages may be granted too.
  tables.push_back(Naming({"pg_language", "pg_language AS x", ""}));
  tables.push_back(Naming({"extension_members",
                           "pg_depend AS x WHERE x.refclassid = 'pg_extension'::regclass AND x.deptype IN ('e', 'x')"
                           " AND x.objid >= 16384",
                           ""}));
  tables.push_back(Naming(superuser ? ByOid("pg_authid") : ByContent("pg_authid", "pg_roles")));
}

}  // namespace

std::vector<CatalogTable> CatalogTables(int major_version, bool superuser) {
  std::vector<CatalogTable> tables = RelationTables();
  AddNamingTables(superuser, tables);
  for (CatalogTable& table : tables) {
    if (table.name == "extension_members") table.hash = FastRowHash("x", major_version);
  }
  for (const char* table : {"pg_proc", "pg_amop", "pg_amproc", "pg_cast", "pg_conversion", "pg_transform",
                            "pg_event_trigger", "pg_publication", "pg_publication_rel", "pg_default_acl"}) {
    tables.push_back(ByOid(table));
  }
  tables.push_back(ByOid("pg_aggregate", "aggfnoid::oid"));
  tables.push_back(ByOid("pg_enum", "enumtypid"));
  tables.push_back(ByOid("pg_range", "rngtypid"));
  // Neither array types nor the row types of tables: they follow from what they are made of.
  tables.push_back({"pg_type",
                    fmt::format("pg_type AS x WHERE x.oid >= {} AND x.typinput <> 'array_in'::regproc "
                                "AND (x.typtype <> 'c' OR x.typacl IS NOT NULL)",
                                kFirstOid),
                    ""});
  tables.push_back(ByOid("pg_ts_config_map", "mapcfg"));
  tables.push_back(
      {"pg_auth_members",
       fmt::format("pg_auth_members AS x WHERE x.member >= {0} OR x.roleid >= {0} OR x.member = 10", kFirstOid), ""});
  // Not the row itself: that of a copied database is another one.
  tables.push_back({"pg_database", "pg_database AS x WHERE x.datname = current_database()", "", false,
                    "hashtextextended(concat_ws(' ', x.datdba, x.datconnlimit, x.datacl), 0)"});
  tables.push_back({"pg_db_role_setting",
                    "pg_db_role_setting AS x WHERE x.setdatabase = 0 OR x.setdatabase = "
                    "(SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())",
                    ""});
  tables.push_back({"namespace_description", "pg_description AS x WHERE x.objoid = 2200", ""});
  tables.push_back(
      {"pg_shdescription",
       fmt::format("pg_shdescription AS x WHERE x.objoid >= {} AND x.classoid = 'pg_authid'::regclass", kFirstOid),
       ""});
  tables.push_back(ByOid("pg_seclabel", "objoid"));
  tables.push_back(ByOid("pg_shseclabel", "objoid"));
  if (major_version >= 15) tables.push_back(ByOid("pg_publication_namespace"));
  if (major_version >= 15) tables.push_back(ByOid("pg_parameter_acl"));
  if (superuser) tables.push_back(ByOid("pg_subscription"));
  tables.push_back(superuser ? ByOid("pg_user_mapping") : ByContent("pg_user_mapping", "pg_user_mappings"));
  return tables;
}

std::string TokenSql(const std::vector<CatalogTable>& tables, const std::set<std::size_t>& of, int major_version) {
  std::vector<std::string> large;
  std::vector<std::string> small;
  for (const std::size_t number : of) {
    const CatalogTable& table = tables[number];
    const std::string hash = HashOf(table, major_version);
    if (IsLarge(table.name)) {
      large.push_back(fmt::format("SELECT {}, count(*), sum({}) FROM {}", number, hash, table.rows));
    } else {
      small.push_back(fmt::format("SELECT {} AS t, {} AS h FROM {}", number, hash, table.rows));
    }
  }
  // An aggregation for each of the many tables that are nearly always empty would cost more than all their rows.
  if (!small.empty()) {
    large.push_back(
        fmt::format("SELECT s.t, count(*), sum(s.h) FROM ({}) AS s GROUP BY s.t", fmt::join(small, "\n UNION ALL ")));
  }
  return fmt::format("{}", fmt::join(large, "\nUNION ALL "));
}

namespace {

bool IsRelationItself(const CatalogTable& table) { return table.relation == "x.oid"; }

// Of a row, as bits in one number; "" where there are none.
std::string MarksOf(const CatalogTable& table) {
  std::vector<std::string> marks;
  for (std::size_t i = 0; i < table.marks.size(); ++i) {
    marks.push_back(fmt::format("CASE WHEN {} THEN {} ELSE 0 END", table.marks[i].second, 1U << i));
  }
  return fmt::format("{}", fmt::join(marks, " | "));
}

// Of the rows that `rows` stands for.
std::string RelationTokenOf(const CatalogTable& table, const std::string& rows, int major_version) {
  const std::string hash = HashOf(table, major_version);
  const bool single = IsRelationItself(table);  // a row of its own for each
  std::string made = MarksOf(table);
  if (!made.empty()) made = single ? ", " + made : fmt::format(", bit_or({})", made);
  if (single) return fmt::format("SELECT {}, 1, {}{} FROM {}", table.relation, hash, made, rows);
  return fmt::format("SELECT {}, count(*), sum({}){} FROM {} GROUP BY 1", table.relation, hash, made, rows);
}

}  // namespace

std::string RelationTokenSql(const CatalogTable& table, int major_version) {
  return RelationTokenOf(table, table.rows, major_version);
}

std::string RelationTokenSinceSql(const CatalogTable& table, int major_version) {
  if (!table.stands_on.empty() || !table.hash.empty()) return "";
  const std::string fresh = table.rows + " AND age(x.xmin) <= (SELECT age($1::xid))";
  if (IsRelationItself(table)) return RelationTokenOf(table, fresh, major_version);
  const std::string rows =
      fmt::format("{0} AND {1} = ANY (ARRAY(SELECT {1} FROM {2}))", table.rows, table.relation, fresh);
  return RelationTokenOf(table, rows, major_version);
}

std::string ColumnHashesSql(int major_version) {
  return fmt::format(
      "SELECT x.attrelid, x.attnum, {} FROM pg_attribute AS x WHERE x.attrelid = ANY ($1::oid[]) AND x.attnum > 0 "
      "AND NOT x.attisdropped",
      FastRowHash("x", major_version));
}

std::string AllColumnHashesSql(const CatalogTable& attributes, int major_version) {
  return fmt::format("SELECT {}, x.attnum, {}, {}, x.attisdropped FROM {}", attributes.relation,
                     HashOf(attributes, major_version), MarksOf(attributes), attributes.rows);
}

namespace {

// Those that meet `condition`; who leaves some out adds to it.
std::string RelationsWhere(const std::string& condition) {
  return fmt::format(R"(
SELECT c.oid, c.relkind, CASE WHEN c.relkind IN ('i', 'I') THEN c.relname::text ELSE c.oid::regclass::text END,
       coalesce((SELECT i.indrelid FROM pg_index AS i WHERE i.indexrelid = c.oid), 0), c.reltoastrelid
  FROM pg_class AS c
 WHERE {}
   AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c', 'i', 'I') AND c.relpersistence <> 't'
   AND c.relnamespace <> 'pg_catalog'::regnamespace AND c.relnamespace <> 'pg_toast'::regnamespace)",
                     condition);
}

}  // namespace

std::string RelationsSql() {
  return RelationsWhere(fmt::format("c.oid >= {}", kFirstOid)) + R"(
   AND c.oid NOT IN (SELECT d.objid FROM pg_depend AS d WHERE d.refclassid = 'pg_extension'::regclass
                        AND d.classid = 'pg_class'::regclass AND d.deptype = 'e')
   AND c.oid NOT IN (SELECT l.oid FROM (SELECT to_regclass(n)::oid AS oid FROM unnest($1::text[]) AS n
                                        UNION ALL
                                        -- OFFSET 0: names are looked up once, not for each row of pg_depend.
                                        SELECT d.objid
                                          FROM (SELECT to_regclass(n)::oid AS oid FROM unnest($1::text[]) AS n
                                                OFFSET 0) AS n
                                          JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass
                                                             AND d.refobjid = n.oid
                                         WHERE d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
                                           AND d.refobjsubid > 0) AS l
                      WHERE l.oid IS NOT NULL))";
}

// By relation, for the few it is asked for: each array is made once, and pg_depend read by its index.
std::string SomeRelationsSql() {
  return RelationsWhere("c.oid = ANY ($2::oid[])") + R"(
   AND (c.oid = ANY (ARRAY(SELECT to_regclass(n)::oid FROM unnest($1::text[]) AS n))) IS NOT TRUE
   AND NOT EXISTS (SELECT FROM pg_depend AS d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                      AND (d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
                           OR d.deptype IN ('a', 'i') AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
                              AND d.refobjid = ANY (ARRAY(SELECT to_regclass(n)::oid FROM unnest($1::text[]) AS n)))))";
}

std::string NamesSql() {
  return fmt::format(R"(
SELECT p.oid, p.oid::regprocedure::text FROM pg_proc AS p WHERE p.oid >= {0}
UNION ALL
SELECT t.oid, t.oid::regtype::text FROM pg_type AS t
 WHERE t.oid >= {0} AND t.typinput <> 'array_in'::regproc AND t.typtype <> 'c'
UNION ALL
SELECT e.oid, e.enumlabel::text FROM pg_enum AS e WHERE e.enumtypid >= {0})",
                     kFirstOid);
}

std::string DependentsSql() {
  return R"(
SELECT DISTINCT coalesce(r.ev_class, k.conrelid, p.polrelid, a.adrelid, t.tgrelid, s.stxrelid,
                         CASE WHEN d.classid = 'pg_class'::regclass THEN d.objid ELSE 0 END),
       d.refobjid,
       d.classid IN ('pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_proc'::regclass)
  FROM pg_depend AS d
  LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
  LEFT JOIN pg_constraint AS k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
  LEFT JOIN pg_policy AS p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
  LEFT JOIN pg_attrdef AS a ON d.classid = 'pg_attrdef'::regclass AND a.oid = d.objid
  LEFT JOIN pg_trigger AS t ON d.classid = 'pg_trigger'::regclass AND t.oid = d.objid
  LEFT JOIN pg_statistic_ext AS s ON d.classid = 'pg_statistic_ext'::regclass AND s.oid = d.objid
 WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($1::oid[])
   AND d.classid IN ('pg_class'::regclass, 'pg_rewrite'::regclass, 'pg_constraint'::regclass, 'pg_policy'::regclass,
                     'pg_attrdef'::regclass, 'pg_trigger'::regclass, 'pg_statistic_ext'::regclass, 'pg_proc'::regclass))";
}

}  // namespace migproof
