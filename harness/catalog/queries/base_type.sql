-- Base types made by CREATE TYPE with input and output functions, and shell types that wait for them. An array type is
-- its element type's.
-- catalogs: *pg_type
SELECT t.oid::regtype AS name,
       NULL AS relation,
       t.typisdefined::text AS defined,
       CASE WHEN t.typlen = -1 THEN 'variable' ELSE t.typlen::text END AS length,
       t.typbyval::text AS passed_by_value,
       t.typcategory AS category,
       CASE WHEN t.typispreferred THEN 'true' END AS preferred,
       t.typdelim AS delimiter,
       CASE WHEN t.typinput <> 0 THEN t.typinput::regproc END AS input,
       CASE WHEN t.typoutput <> 0 THEN t.typoutput::regproc END AS output,
       CASE WHEN t.typreceive <> 0 THEN t.typreceive::regproc END AS receive,
       CASE WHEN t.typsend <> 0 THEN t.typsend::regproc END AS send,
       CASE WHEN t.typmodin <> 0 THEN t.typmodin::regproc END AS modifier_input,
       CASE WHEN t.typmodout <> 0 THEN t.typmodout::regproc END AS modifier_output,
       CASE WHEN t.typanalyze <> 0 THEN t.typanalyze::regproc END AS analyze,
       CASE WHEN t.typsubscript <> 0 THEN t.typsubscript::regproc END AS subscript, -- since 14
       CASE WHEN t.typelem <> 0 THEN format_type(t.typelem, NULL) END AS element,
       t.typalign AS alignment,
       t.typstorage AS storage,
       CASE WHEN t.typcollation <> 0 THEN t.typcollation::regcollation END AS collation,
       coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault) AS default,
       pg_get_userbyid(t.typowner) AS owner
  FROM pg_type AS t
  JOIN pg_namespace AS n ON n.oid = t.typnamespace AND n.nspname !~ '^pg_'
 WHERE t.oid >= 16384 AND (t.typtype = 'b' OR NOT t.typisdefined)
   AND NOT (t.typelem <> 0 AND t.typinput = 'array_in'::regproc)
   AND t.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_type'::regclass AND deptype = 'e')
