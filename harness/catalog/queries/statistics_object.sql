-- Extended statistics: what is to be gathered, never what was.
-- catalogs: *pg_statistic_ext
-- relkinds: r p m f
SELECT quote_ident(n.nspname) || '.' || quote_ident(s.stxname) AS name,
       s.stxrelid::regclass AS relation,
       pg_get_statisticsobjdef(s.oid) AS definition,
       CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget END AS target,
       pg_get_userbyid(s.stxowner) AS owner
  FROM pg_statistic_ext AS s
  JOIN pg_namespace AS n ON n.oid = s.stxnamespace
 WHERE s.stxrelid = ANY ($1)
