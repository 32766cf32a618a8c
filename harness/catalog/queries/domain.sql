-- Domains; their CHECKs are domain constraints.
-- catalogs: *pg_type
SELECT t.oid::regtype AS name,
       NULL AS relation,
       format_type(t.typbasetype, t.typtypmod) AS type,
       coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault) AS default,
       t.typnotnull::text AS not_null,
       CASE WHEN t.typcollation NOT IN (0, 100) THEN t.typcollation::regcollation END AS collation,
       pg_get_userbyid(t.typowner) AS owner
  FROM pg_type AS t
  JOIN pg_namespace AS n ON n.oid = t.typnamespace AND n.nspname !~ '^pg_'
 WHERE t.oid >= 16384 AND t.typtype = 'd'
   AND t.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_type'::regclass AND deptype = 'e')
