-- ALTER FUNCTION (TRIGGER, INDEX, MATERIALIZED VIEW) ... DEPENDS ON EXTENSION.
-- catalogs: *extension_members pg_trigger
SELECT i.type || ' ' || i.identity || ' on ' || quote_ident(e.extname) AS name,
       NULL AS relation
  FROM pg_depend AS d
  JOIN pg_extension AS e ON e.oid = d.refobjid
 CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) AS i
 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'x'
