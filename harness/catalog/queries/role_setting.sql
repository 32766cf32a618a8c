-- ALTER ROLE ... SET, everywhere or in this database alone.
-- catalogs: *pg_db_role_setting pg_authid
SELECT split_part(c, '=', 1) || ' of ' || quote_ident(pg_get_userbyid(s.setrole))
         || CASE WHEN s.setdatabase <> 0 THEN ' in this database' ELSE '' END AS name,
       NULL AS relation,
       substr(c, strpos(c, '=') + 1) AS value
  FROM pg_db_role_setting AS s, unnest(s.setconfig) AS c
 WHERE s.setrole <> 0
   AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
