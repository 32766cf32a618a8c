-- Indexes, those behind constraints too (then `constraint` names it).
-- catalogs: *pg_index index:pg_class pg_constraint index:pg_attribute index:pg_inherits
-- relkinds: r p m
SELECT i.indexrelid::regclass AS name,
       i.indrelid::regclass AS relation,
       pg_get_indexdef(i.indexrelid) AS definition,
       CASE WHEN NOT i.indisvalid THEN 'false' ELSE 'true' END AS valid,
       CASE WHEN NOT i.indisready THEN 'false' END AS ready,
       CASE WHEN NOT i.indislive THEN 'false' END AS live,
       CASE WHEN i.indisclustered THEN 'true' END AS clustered,
       CASE WHEN i.indisreplident THEN 'true' END AS replica_identity,
       -- The server keeps the names of a constraint and its index the same.
       CASE WHEN i.indisunique OR i.indisexclusion
            THEN (SELECT quote_ident(k.conname) FROM pg_constraint AS k
                   WHERE k.conrelid = i.indrelid AND k.contypid = 0 AND k.conname = c.relname
                     AND k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) END AS constraint,
       -- Only columns that are expressions have a target of their own.
       CASE WHEN i.indexprs IS NOT NULL
            THEN (SELECT string_agg(a.attnum || ': ' || a.attstattarget, ', ' ORDER BY a.attnum)
                    FROM pg_attribute AS a
                   WHERE a.attrelid = i.indexrelid AND a.attnum > 0 AND a.attstattarget >= 0) END AS statistics,
       CASE WHEN c.relispartition
            THEN (SELECT h.inhparent::regclass FROM pg_inherits AS h WHERE h.inhrelid = i.indexrelid) END AS partition_of,
       CASE WHEN c.reltablespace <> 0
            THEN (SELECT s.spcname FROM pg_tablespace AS s WHERE s.oid = c.reltablespace) END AS tablespace
  FROM pg_index AS i
  JOIN pg_class AS c ON c.oid = i.indexrelid
 WHERE i.indrelid = ANY ($1)
