-- Tables, partitioned ones and partitions among them.
-- catalogs: *pg_class pg_inherits pg_partitioned_table
-- relkinds: r p
SELECT c.oid::regclass AS name,
       c.oid::regclass AS relation,
       pg_get_userbyid(c.relowner) AS owner,
       CASE c.relpersistence WHEN 'u' THEN 'unlogged' ELSE 'permanent' END AS persistence,
       CASE c.relreplident WHEN 'n' THEN 'nothing' WHEN 'f' THEN 'full' WHEN 'i' THEN 'index' END AS replica_identity,
       CASE WHEN c.relrowsecurity THEN 'enabled' END AS row_security,
       CASE WHEN c.relforcerowsecurity THEN 'true' END AS force_row_security,
       CASE WHEN c.reloptions IS NOT NULL
            THEN (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(c.reloptions) AS o) END AS options,
       (SELECT string_agg(o, ', ' ORDER BY o)
          FROM pg_class AS t, unnest(t.reloptions) AS o WHERE t.oid = c.reltoastrelid) AS toast_options,
       CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS partition_key,
       CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END AS partition_bound,
       (SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno)
          FROM pg_inherits AS i WHERE i.inhrelid = c.oid) AS inherits,
       (SELECT 'true' FROM pg_inherits AS i WHERE i.inhrelid = c.oid AND i.inhdetachpending) -- since 14
         AS detach_pending, -- since 14
       CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END AS of_type,
       (SELECT a.amname FROM pg_am AS a WHERE a.oid = c.relam) AS access_method,
       (SELECT s.spcname FROM pg_tablespace AS s WHERE s.oid = c.reltablespace) AS tablespace
  FROM pg_class AS c
 WHERE c.oid = ANY ($1) AND c.relkind IN ('r', 'p')
