-- Collations; the version the system's library had is not compared.
-- catalogs: *pg_collation
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.collname) AS name,
       NULL AS relation,
       CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'c' THEN 'libc' WHEN 'b' THEN 'builtin' ELSE 'default' END
         AS provider,
       c.collisdeterministic::text AS deterministic,
       CASE WHEN c.collprovider = 'c' THEN c.collcollate END AS lc_collate,
       CASE WHEN c.collprovider = 'c' THEN c.collctype END AS lc_ctype,
       CASE WHEN c.collprovider = 'i' THEN c.collcollate END AS locale, -- until 14
       CASE WHEN c.collprovider = 'i' THEN c.colliculocale END AS locale, -- since 15 until 16
       CASE WHEN c.collprovider <> 'c' THEN c.colllocale END AS locale, -- since 17
       c.collicurules AS rules, -- since 16
       CASE WHEN c.collencoding >= 0 THEN pg_encoding_to_char(c.collencoding) END AS encoding,
       pg_get_userbyid(c.collowner) AS owner
  FROM pg_collation AS c
  JOIN pg_namespace AS n ON n.oid = c.collnamespace AND n.nspname !~ '^pg_'
 WHERE c.oid >= 16384
   AND c.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_collation'::regclass AND deptype = 'e')
