-- Roles of the whole server, without the one it was set up by and its own (pg_*). Of a password only that there is one.
-- catalogs: *pg_authid
SELECT quote_ident(r.rolname) AS name,
       NULL AS relation,
       nullif(concat_ws(', ', CASE WHEN r.rolsuper THEN 'superuser' END, CASE WHEN r.rolcreatedb THEN 'createdb' END,
                 CASE WHEN r.rolcreaterole THEN 'createrole' END, CASE WHEN r.rolreplication THEN 'replication' END,
                 CASE WHEN r.rolbypassrls THEN 'bypassrls' END), '') AS powers,
       r.rolcanlogin::text AS login,
       r.rolinherit::text AS inherit,
       CASE WHEN r.rolconnlimit >= 0 THEN r.rolconnlimit END AS connection_limit,
       r.rolvaliduntil AS valid_until,
       CASE WHEN r.rolpassword IS NOT NULL THEN 'set' END AS password -- superuser
       NULL AS password -- plain
  FROM pg_authid AS r -- superuser
  FROM pg_roles AS r -- plain
 WHERE r.oid >= 16384 AND r.rolname !~ '^pg_'
