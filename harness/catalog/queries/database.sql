-- This database, whatever its name. What CREATE DATABASE alone decides (encoding, locale) is given, not migrated.
-- catalogs: *pg_database
SELECT 'current' AS name,
       NULL AS relation,
       pg_get_userbyid(d.datdba) AS owner,
       CASE WHEN d.datconnlimit >= 0 THEN d.datconnlimit END AS connection_limit
  FROM pg_database AS d
 WHERE d.datname = current_database()
