-- Columns of tables, foreign tables, views and materialized views. `position` counts the columns there are now, so that
-- dropped ones leave no hole.
-- catalogs: *pg_attribute pg_attrdef pg_class pg_constraint
SELECT r.name || '.' || quote_ident(a.attname) AS name,
       r.name AS relation,
       row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS position,
       format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull::text AS not_null, -- until 17
       CASE WHEN n.oid IS NULL OR n.convalidated THEN a.attnotnull::text ELSE 'not valid' END AS not_null, -- since 18
       CASE WHEN n.connoinherit THEN 'true' END AS not_null_no_inherit, -- since 18
       CASE WHEN n.conname <> c.relname || '_' || a.attname || '_not_null' THEN n.conname END -- since 18
         AS not_null_name, -- since 18
       CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, a.attrelid) END AS default,
       CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, a.attrelid)
              || CASE a.attgenerated WHEN 's' THEN ' stored' ELSE ' virtual' END END AS generated,
       CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END AS identity,
       CASE WHEN a.attcollation NOT IN (0, 100) THEN a.attcollation::regcollation END AS collation,
       CASE WHEN a.attstorage <> t.typstorage
            THEN CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'm' THEN 'main'
                                   WHEN 'e' THEN 'external' ELSE 'extended' END END AS storage,
       CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression, -- since 14
       CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END AS statistics,
       CASE WHEN a.attoptions IS NOT NULL
            THEN (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(a.attoptions) AS o
                   WHERE o NOT LIKE 'pg\_attver=%') END AS options,
       CASE WHEN a.attfdwoptions IS NOT NULL
            THEN (SELECT string_agg(o.option_name || ' ' || quote_literal(o.option_value), ', ' ORDER BY o.option_name)
                    FROM pg_options_to_table(a.attfdwoptions) AS o) END AS foreign_options,
       CASE WHEN a.attinhcount > 0
            THEN CASE WHEN a.attislocal THEN 'and local' ELSE 'only' END END AS inherited
  FROM (SELECT oid, oid::regclass::text AS name FROM pg_class
         WHERE oid = ANY ($1) AND relkind IN ('r', 'p', 'f', 'v', 'm')) AS r
  JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type AS t ON t.oid = a.atttypid
  JOIN pg_class AS c ON c.oid = r.oid -- since 18
  LEFT JOIN pg_attrdef AS d ON a.atthasdef AND d.adrelid = a.attrelid AND d.adnum = a.attnum
  LEFT JOIN pg_constraint AS n ON a.attnotnull AND n.conrelid = a.attrelid AND n.contype = 'n' -- since 18
                              AND n.conkey = ARRAY[a.attnum] -- since 18
