-- Publications; what they publish are kinds of their own.
-- catalogs: *pg_publication
SELECT quote_ident(p.pubname) AS name,
       NULL AS relation,
       p.puballtables::text AS all_tables,
       concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                 CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END) AS publishes,
       p.pubviaroot::text AS via_partition_root,
       CASE p.pubgencols WHEN 's' THEN 'stored' END AS generated_columns, -- since 18
       pg_get_userbyid(p.pubowner) AS owner
  FROM pg_publication AS p
 WHERE p.oid >= 16384
   AND p.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_publication'::regclass AND deptype = 'e')
