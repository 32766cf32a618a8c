-- Aggregates.
-- catalogs: *pg_aggregate pg_proc
SELECT p.oid::regprocedure AS name,
       NULL AS relation,
       pg_get_function_arguments(p.oid) AS arguments,
       pg_get_function_result(p.oid) AS returns,
       CASE a.aggkind WHEN 'o' THEN 'ordered set' WHEN 'h' THEN 'hypothetical set' ELSE 'normal' END AS type,
       CASE WHEN a.aggnumdirectargs > 0 THEN a.aggnumdirectargs END AS direct_arguments,
       a.aggtransfn::regproc AS state_function,
       format_type(a.aggtranstype, NULL) AS state_type,
       CASE WHEN a.aggtransspace > 0 THEN a.aggtransspace END AS state_size,
       a.agginitval AS initial_state,
       CASE WHEN a.aggfinalfn <> 0 THEN a.aggfinalfn::regproc END AS final_function,
       CASE WHEN a.aggfinalextra THEN 'true' END AS final_function_extra,
       CASE WHEN a.aggfinalfn <> 0 THEN a.aggfinalmodify END AS final_function_modify,
       CASE WHEN a.aggcombinefn <> 0 THEN a.aggcombinefn::regproc END AS combine_function,
       CASE WHEN a.aggserialfn <> 0 THEN a.aggserialfn::regproc END AS serial_function,
       CASE WHEN a.aggdeserialfn <> 0 THEN a.aggdeserialfn::regproc END AS deserial_function,
       CASE WHEN a.aggmtransfn <> 0 THEN a.aggmtransfn::regproc END AS moving_state_function,
       CASE WHEN a.aggminvtransfn <> 0 THEN a.aggminvtransfn::regproc END AS moving_inverse_function,
       CASE WHEN a.aggmtranstype <> 0 THEN format_type(a.aggmtranstype, NULL) END AS moving_state_type,
       CASE WHEN a.aggmtransspace > 0 THEN a.aggmtransspace END AS moving_state_size,
       a.aggminitval AS moving_initial_state,
       CASE WHEN a.aggmfinalfn <> 0 THEN a.aggmfinalfn::regproc END AS moving_final_function,
       CASE WHEN a.aggmfinalextra THEN 'true' END AS moving_final_function_extra,
       CASE WHEN a.aggmfinalfn <> 0 THEN a.aggmfinalmodify END AS moving_final_function_modify,
       CASE WHEN a.aggsortop <> 0 THEN a.aggsortop::regoperator END AS sort_operator,
       CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' ELSE 'unsafe' END AS parallel,
       pg_get_userbyid(p.proowner) AS owner
  FROM pg_aggregate AS a
  JOIN pg_proc AS p ON p.oid = a.aggfnoid
  JOIN pg_namespace AS n ON n.oid = p.pronamespace AND n.nspname !~ '^pg_'
 WHERE a.aggfnoid::oid >= 16384
   AND p.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_proc'::regclass AND deptype = 'e')
