-- Encoding conversions.
-- catalogs: *pg_conversion
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.conname) AS name,
       NULL AS relation,
       pg_encoding_to_char(c.conforencoding) AS from_encoding,
       pg_encoding_to_char(c.contoencoding) AS to_encoding,
       c.conproc::regproc AS function,
       c.condefault::text AS default,
       pg_get_userbyid(c.conowner) AS owner
  FROM pg_conversion AS c
  JOIN pg_namespace AS n ON n.oid = c.connamespace AND n.nspname !~ '^pg_'
 WHERE c.oid >= 16384
   AND c.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_conversion'::regclass AND deptype = 'e')
