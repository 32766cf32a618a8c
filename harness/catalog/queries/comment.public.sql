-- The comment on the schema that initdb makes, by itself: nearly every database has one, and seldom another comment.
-- catalogs: *namespace_description
SELECT 'namespace ' || quote_ident(n.nspname) AS name,
       NULL AS relation,
       d.description AS text
  FROM pg_description AS d
  JOIN pg_namespace AS n ON n.oid = d.objoid
 WHERE d.classoid = 'pg_namespace'::regclass AND d.objoid = 2200 AND d.objsubid = 0
