-- Operator families.
-- catalogs: *pg_opfamily
SELECT quote_ident(n.nspname) || '.' || quote_ident(f.opfname) || ' USING ' || quote_ident(m.amname) AS name,
       NULL AS relation,
       pg_get_userbyid(f.opfowner) AS owner
  FROM pg_opfamily AS f
  JOIN pg_namespace AS n ON n.oid = f.opfnamespace AND n.nspname !~ '^pg_'
  JOIN pg_am AS m ON m.oid = f.opfmethod
 WHERE f.oid >= 16384
   AND f.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_opfamily'::regclass AND deptype = 'e')
