-- Columns of tables, foreign tables, views and materialized views. `position` counts the columns there are now, so that
-- dropped ones leave no hole.
-- catalogs: *pg_attribute pg_attrdef pg_class pg_constraint
-- relkinds: r p f v m
SELECT r.name || '.' || quote_ident(a.attname) AS name,
       r.name AS relation,
       row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS position,
       format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull::text AS not_null, -- until 17
       CASE WHEN n.oid IS NULL OR n.convalidated THEN a.attnotnull::text ELSE 'not valid' END AS not_null, -- since 18
       CASE WHEN n.connoinherit THEN 'true' END AS not_null_no_inherit, -- since 18
       CASE WHEN n.conname <> c.relname || '_' || a.attname || '_not_null' THEN n.conname END -- since 18
         AS not_null_name, -- since 18
       CASE WHEN a.atthasdef AND a.attgenerated = ''
            THEN (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef AS d
                   WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END AS default,
       CASE WHEN a.attgenerated <> ''
            THEN (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef AS d
                   WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum)
                   || CASE a.attgenerated WHEN 's' THEN ' stored' ELSE ' virtual' END END AS generated,
       CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END AS identity,
       CASE WHEN a.attcollation NOT IN (0, 100) THEN a.attcollation::regcollation END AS collation,
       -- Types of fixed length are always stored plain.
       CASE WHEN a.attlen = -1
            THEN (SELECT CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'm' THEN 'main'
                                           WHEN 'e' THEN 'external' ELSE 'extended' END
                    FROM pg_type AS t WHERE t.oid = a.atttypid AND t.typstorage <> a.attstorage) END AS storage,
       CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression, -- since 14
       CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END AS statistics,
       -- Some servers keep a counter of their own among the options.
       CASE WHEN cardinality(a.attoptions) > 1 OR a.attoptions[1] NOT LIKE 'pg\_attver=%'
            THEN (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(a.attoptions) AS o
                   WHERE o NOT LIKE 'pg\_attver=%') END AS options,
       CASE WHEN a.attfdwoptions IS NOT NULL
            THEN (SELECT string_agg(o.option_name || ' ' || quote_literal(o.option_value), ', ' ORDER BY o.option_name)
                    FROM pg_options_to_table(a.attfdwoptions) AS o) END AS foreign_options,
       CASE WHEN a.attinhcount > 0
            THEN CASE WHEN a.attislocal THEN 'and local' ELSE 'only' END END AS inherited
  FROM (SELECT oid, oid::regclass::text AS name FROM pg_class
         WHERE oid = ANY ($1) AND relkind IN ('r', 'p', 'f', 'v', 'm')
        OFFSET 0) AS r
  JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_class AS c ON c.oid = r.oid -- since 18
  LEFT JOIN pg_constraint AS n ON a.attnotnull AND n.conrelid = a.attrelid AND n.contype = 'n' -- since 18
                              AND n.conkey = ARRAY[a.attnum] -- since 18
