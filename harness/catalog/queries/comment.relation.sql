-- Comments on relations, their columns and their indexes.
-- catalogs: *pg_description index:pg_description
SELECT CASE WHEN d.objsubid > 0 THEN 'column '
            ELSE CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' WHEN 'f' THEN 'foreign table '
                                WHEN 'S' THEN 'sequence ' WHEN 'i' THEN 'index ' WHEN 'I' THEN 'index '
                                WHEN 'c' THEN 'composite type ' ELSE 'table ' END END
         || c.oid::regclass || coalesce('.' || quote_ident(a.attname), '') AS name,
       r.table_oid::regclass AS relation,
       d.description AS text
  FROM (SELECT o AS oid, o AS table_oid FROM unnest($1::oid[]) AS o
        UNION ALL
        SELECT i.indexrelid, i.indrelid FROM pg_index AS i WHERE i.indrelid = ANY ($1)) AS r
  JOIN pg_class AS c ON c.oid = r.oid
  JOIN pg_description AS d ON d.objoid = r.oid AND d.classoid = 'pg_class'::regclass
  LEFT JOIN pg_attribute AS a ON d.objsubid > 0 AND a.attrelid = d.objoid AND a.attnum = d.objsubid
