-- Operator classes; their operators and functions are listed with the family.
-- catalogs: *pg_opclass pg_opfamily
SELECT quote_ident(n.nspname) || '.' || quote_ident(o.opcname) || ' USING ' || quote_ident(m.amname) AS name,
       NULL AS relation,
       quote_ident(fn.nspname) || '.' || quote_ident(f.opfname) AS family,
       format_type(o.opcintype, NULL) AS type,
       CASE WHEN o.opckeytype <> 0 THEN format_type(o.opckeytype, NULL) END AS storage,
       o.opcdefault::text AS default,
       pg_get_userbyid(o.opcowner) AS owner
  FROM pg_opclass AS o
  JOIN pg_namespace AS n ON n.oid = o.opcnamespace AND n.nspname !~ '^pg_'
  JOIN pg_am AS m ON m.oid = o.opcmethod
  JOIN pg_opfamily AS f ON f.oid = o.opcfamily
  JOIN pg_namespace AS fn ON fn.oid = f.opfnamespace
 WHERE o.oid >= 16384
   AND o.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_opclass'::regclass AND deptype = 'e')
