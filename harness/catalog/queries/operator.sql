-- Operators.
-- catalogs: *pg_operator
SELECT o.oid::regoperator AS name,
       NULL AS relation,
       CASE WHEN o.oprcode <> 0 THEN o.oprcode::regprocedure END AS function,
       format_type(o.oprresult, NULL) AS returns,
       CASE WHEN o.oprcom <> 0 THEN o.oprcom::regoperator END AS commutator,
       CASE WHEN o.oprnegate <> 0 THEN o.oprnegate::regoperator END AS negator,
       CASE WHEN o.oprrest <> 0 THEN o.oprrest::regproc END AS restrict,
       CASE WHEN o.oprjoin <> 0 THEN o.oprjoin::regproc END AS join,
       CASE WHEN o.oprcanmerge THEN 'true' END AS merges,
       CASE WHEN o.oprcanhash THEN 'true' END AS hashes,
       pg_get_userbyid(o.oprowner) AS owner
  FROM pg_operator AS o
  JOIN pg_namespace AS n ON n.oid = o.oprnamespace AND n.nspname !~ '^pg_'
 WHERE o.oid >= 16384
   AND o.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_operator'::regclass AND deptype = 'e')
