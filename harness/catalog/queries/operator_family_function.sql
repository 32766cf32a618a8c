-- Support functions in operator families, the server's own families too.
-- catalogs: *pg_amproc
SELECT p.amprocnum || ' (' || format_type(p.amproclefttype, NULL) || ', ' || format_type(p.amprocrighttype, NULL)
         || ') of ' || quote_ident(n.nspname) || '.' || quote_ident(f.opfname) || ' USING ' || quote_ident(m.amname)
         AS name,
       NULL AS relation,
       p.amproc::oid::regprocedure AS function,
       (SELECT quote_ident(cn.nspname) || '.' || quote_ident(c.opcname)
          FROM pg_depend AS d JOIN pg_opclass AS c ON c.oid = d.refobjid JOIN pg_namespace AS cn ON cn.oid = c.opcnamespace
         WHERE d.classid = 'pg_amproc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_opclass'::regclass LIMIT 1)
         AS class
  FROM pg_amproc AS p
  JOIN pg_opfamily AS f ON f.oid = p.amprocfamily
  JOIN pg_namespace AS n ON n.oid = f.opfnamespace
  JOIN pg_am AS m ON m.oid = f.opfmethod
 WHERE p.oid >= 16384
   AND f.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_opfamily'::regclass AND deptype = 'e')
   AND p.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_amproc'::regclass AND deptype = 'e')
