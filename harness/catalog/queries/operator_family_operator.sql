-- Operators in operator families, the server's own families too (ALTER OPERATOR FAMILY ... ADD).
-- catalogs: *pg_amop
SELECT o.amopstrategy || ' (' || format_type(o.amoplefttype, NULL) || ', ' || format_type(o.amoprighttype, NULL)
         || ') of ' || quote_ident(n.nspname) || '.' || quote_ident(f.opfname) || ' USING ' || quote_ident(m.amname)
         AS name,
       NULL AS relation,
       o.amopopr::regoperator AS operator,
       CASE o.amoppurpose WHEN 's' THEN 'search' ELSE 'order by' END AS purpose,
       (SELECT quote_ident(sn.nspname) || '.' || quote_ident(s.opfname)
          FROM pg_opfamily AS s JOIN pg_namespace AS sn ON sn.oid = s.opfnamespace
         WHERE s.oid = o.amopsortfamily) AS sort_family,
       (SELECT quote_ident(cn.nspname) || '.' || quote_ident(c.opcname)
          FROM pg_depend AS d JOIN pg_opclass AS c ON c.oid = d.refobjid JOIN pg_namespace AS cn ON cn.oid = c.opcnamespace
         WHERE d.classid = 'pg_amop'::regclass AND d.objid = o.oid AND d.refclassid = 'pg_opclass'::regclass LIMIT 1)
         AS class
  FROM pg_amop AS o
  JOIN pg_opfamily AS f ON f.oid = o.amopfamily
  JOIN pg_namespace AS n ON n.oid = f.opfnamespace
  JOIN pg_am AS m ON m.oid = f.opfmethod
 WHERE o.oid >= 16384
   AND f.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_opfamily'::regclass AND deptype = 'e')
   AND o.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_amop'::regclass AND deptype = 'e')
