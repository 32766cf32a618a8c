-- ALTER DATABASE ... SET.
-- catalogs: *pg_db_role_setting
SELECT split_part(c, '=', 1) AS name,
       NULL AS relation,
       substr(c, strpos(c, '=') + 1) AS value
  FROM pg_db_role_setting AS s, unnest(s.setconfig) AS c
 WHERE s.setrole = 0 AND s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
