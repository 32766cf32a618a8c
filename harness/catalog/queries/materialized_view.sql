-- Materialized views.
-- catalogs: *pg_rewrite pg_class
-- relkinds: m
SELECT c.oid::regclass AS name,
       c.oid::regclass AS relation,
       pg_get_userbyid(c.relowner) AS owner,
       pg_get_viewdef(c.oid) AS definition,
       c.relispopulated::text AS populated,
       CASE WHEN c.reloptions IS NOT NULL
            THEN (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(c.reloptions) AS o) END AS options,
       (SELECT string_agg(o, ', ' ORDER BY o)
          FROM pg_class AS t, unnest(t.reloptions) AS o WHERE t.oid = c.reltoastrelid) AS toast_options,
       (SELECT a.amname FROM pg_am AS a WHERE a.oid = c.relam) AS access_method,
       (SELECT s.spcname FROM pg_tablespace AS s WHERE s.oid = c.reltablespace) AS tablespace
  FROM pg_class AS c
 WHERE c.oid = ANY ($1) AND c.relkind = 'm'
