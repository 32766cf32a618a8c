-- Text search parsers.
-- catalogs: *pg_ts_parser
SELECT quote_ident(n.nspname) || '.' || quote_ident(p.prsname) AS name,
       NULL AS relation,
       p.prsstart::regproc AS start,
       p.prstoken::regproc AS token,
       p.prsend::regproc AS end,
       CASE WHEN p.prsheadline <> 0 THEN p.prsheadline::regproc END AS headline,
       p.prslextype::regproc AS lexical_types
  FROM pg_ts_parser AS p
  JOIN pg_namespace AS n ON n.oid = p.prsnamespace AND n.nspname !~ '^pg_'
 WHERE p.oid >= 16384
   AND p.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_ts_parser'::regclass AND deptype = 'e')
