-- Extensions; what belongs to one is not listed.
-- catalogs: *pg_extension
SELECT quote_ident(e.extname) AS name,
       NULL AS relation,
       e.extversion AS version,
       quote_ident(n.nspname) AS namespace,
       pg_get_userbyid(e.extowner) AS owner
  FROM pg_extension AS e
  JOIN pg_namespace AS n ON n.oid = e.extnamespace
 WHERE e.oid >= 16384
