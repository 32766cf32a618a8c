-- Sequences, those behind serial and identity columns among them. Where a sequence stands is data: see ReadSequences.
-- catalogs: *pg_sequence pg_class sequence_owners
-- relkinds: S
SELECT c.oid::regclass AS name,
       c.oid::regclass AS relation,
       pg_get_userbyid(c.relowner) AS owner,
       format_type(s.seqtypid, NULL) AS type,
       s.seqstart AS start,
       s.seqincrement AS increment,
       s.seqmin AS minimum,
       s.seqmax AS maximum,
       s.seqcache AS cache,
       s.seqcycle::text AS cycle,
       CASE c.relpersistence WHEN 'u' THEN 'unlogged' END AS persistence,
       (SELECT d.refobjid::regclass || '.' || quote_ident(a.attname)
          FROM pg_depend AS d
          JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
         WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
           AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')) AS owned_by
  FROM pg_sequence AS s
  JOIN pg_class AS c ON c.oid = s.seqrelid
 WHERE s.seqrelid = ANY ($1)
