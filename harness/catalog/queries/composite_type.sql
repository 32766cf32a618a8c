-- Composite types made by CREATE TYPE (a table's row type is the table's).
-- catalogs: *pg_class pg_attribute
-- relkinds: c
SELECT c.oid::regclass AS name,
       c.oid::regclass AS relation,
       pg_get_userbyid(c.relowner) AS owner,
       (SELECT string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
                            || CASE WHEN a.attcollation NOT IN (0, 100)
                                    THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END,
                          ', ' ORDER BY a.attnum)
          FROM pg_attribute AS a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS attributes
  FROM pg_class AS c
 WHERE c.oid = ANY ($1) AND c.relkind = 'c'
