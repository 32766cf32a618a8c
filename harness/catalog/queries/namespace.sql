-- Namespaces (what SQL calls schemas).
-- catalogs: *pg_namespace
SELECT quote_ident(n.nspname) AS name,
       NULL AS relation,
       pg_get_userbyid(n.nspowner) AS owner
  FROM pg_namespace AS n
 WHERE (n.oid >= 16384 OR n.nspname = 'public') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND n.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_namespace'::regclass AND deptype = 'e')
