-- Range types.
-- catalogs: *pg_range pg_type
SELECT t.oid::regtype AS name,
       NULL AS relation,
       format_type(r.rngsubtype, NULL) AS subtype,
       quote_ident(on_.nspname) || '.' || quote_ident(o.opcname) AS operator_class,
       CASE WHEN r.rngcollation NOT IN (0, 100) THEN r.rngcollation::regcollation END AS collation,
       CASE WHEN r.rngcanonical <> 0 THEN r.rngcanonical::regproc END AS canonical,
       CASE WHEN r.rngsubdiff <> 0 THEN r.rngsubdiff::regproc END AS difference,
       format_type(r.rngmultitypid, NULL) AS multirange, -- since 14
       pg_get_userbyid(t.typowner) AS owner
  FROM pg_range AS r
  JOIN pg_type AS t ON t.oid = r.rngtypid
  JOIN pg_namespace AS n ON n.oid = t.typnamespace AND n.nspname !~ '^pg_'
  JOIN pg_opclass AS o ON o.oid = r.rngsubopc
  JOIN pg_namespace AS on_ ON on_.oid = o.opcnamespace
 WHERE r.rngtypid >= 16384
   AND t.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_type'::regclass AND deptype = 'e')
