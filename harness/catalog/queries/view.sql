-- Views; check_option, security_barrier and security_invoker are among the options.
-- catalogs: *pg_rewrite pg_class
-- relkinds: v
SELECT c.oid::regclass AS name,
       c.oid::regclass AS relation,
       pg_get_userbyid(c.relowner) AS owner,
       pg_get_viewdef(c.oid) AS definition,
       CASE WHEN c.reloptions IS NOT NULL
            THEN (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(c.reloptions) AS o) END AS options
  FROM pg_class AS c
 WHERE c.oid = ANY ($1) AND c.relkind = 'v'
