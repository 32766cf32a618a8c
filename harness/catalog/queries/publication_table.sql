-- Tables that publications publish.
-- catalogs: *pg_publication_rel pg_publication pg_attribute
SELECT r.prrelid::regclass || ' in ' || quote_ident(p.pubname) AS name,
       r.prrelid::regclass AS relation,
       CASE WHEN r.prattrs IS NOT NULL -- since 15
            THEN (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) -- since 15
                    FROM pg_attribute AS a -- since 15
                   WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)) END AS columns, -- since 15
       pg_get_expr(r.prqual, r.prrelid) AS where -- since 15
       NULL AS columns -- until 14
  FROM pg_publication_rel AS r
  JOIN pg_publication AS p ON p.oid = r.prpubid
 WHERE p.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_publication'::regclass AND deptype = 'e')
