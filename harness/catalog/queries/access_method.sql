-- Access methods.
-- catalogs: *pg_am
SELECT quote_ident(a.amname) AS name,
       NULL AS relation,
       CASE a.amtype WHEN 't' THEN 'table' ELSE 'index' END AS type,
       a.amhandler::regproc AS handler
  FROM pg_am AS a
 WHERE a.oid >= 16384
   AND a.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_am'::regclass AND deptype = 'e')
