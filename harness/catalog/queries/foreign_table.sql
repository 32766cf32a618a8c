-- Foreign tables.
-- catalogs: *pg_foreign_table pg_class pg_inherits
-- relkinds: f
SELECT c.oid::regclass AS name,
       c.oid::regclass AS relation,
       pg_get_userbyid(c.relowner) AS owner,
       s.srvname AS server,
       (SELECT string_agg(o.option_name || ' ' || quote_literal(o.option_value), ', ' ORDER BY o.option_name)
          FROM pg_options_to_table(f.ftoptions) AS o) AS options,
       CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END AS partition_bound,
       (SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno)
          FROM pg_inherits AS i WHERE i.inhrelid = c.oid) AS inherits
  FROM pg_foreign_table AS f
  JOIN pg_class AS c ON c.oid = f.ftrelid
  JOIN pg_foreign_server AS s ON s.oid = f.ftserver
 WHERE f.ftrelid = ANY ($1)
