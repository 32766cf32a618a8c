-- Namespaces whose tables publications publish.
-- catalogs: *pg_publication_namespace pg_publication
SELECT quote_ident(n.nspname) || ' in ' || quote_ident(p.pubname) AS name, -- since 15
       NULL AS relation -- since 15
  FROM pg_publication_namespace AS r -- since 15
  JOIN pg_publication AS p ON p.oid = r.pnpubid -- since 15
  JOIN pg_namespace AS n ON n.oid = r.pnnspid -- since 15
