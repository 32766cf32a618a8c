# migproof_add_tests(NAME shop CONFIG migproof.json
#                    [LAWS round_trip ...]       # default: those of the configuration, else all
#                    [POSTGRES local:15 ...]     # default: that of the configuration; several: each test for each
#                    [CASES 20]                  # sets of generated rows for each revision
#                    [TARGET shop_laws]          # a test program of one's own, linked with migproof::gtest_main
#                    [PER_LAW])                  # one test for each law, not for each law and revision
#
# Registers a ctest test NAME.LAW.REVISION for each law and revision (NAME.LAW.the_history for what a law says about the
# whole), with the labels "migproof" and the law's name. The history is read when ctest runs, so a new revision needs no
# new configure. The tests of one call share a server, which two fixtures start and stop.
include_guard(GLOBAL)
set(migproof_discover "${CMAKE_CURRENT_LIST_DIR}/migproof-discover.cmake")

function(migproof_add_tests)
  cmake_parse_arguments(PARSE_ARGV 0 arg "PER_LAW" "NAME;CONFIG;CASES;TARGET" "LAWS;POSTGRES")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_NAME OR NOT arg_CONFIG)
    message(FATAL_ERROR "migproof_add_tests(NAME name CONFIG migproof.json [LAWS law...] [POSTGRES provider...] "
                        "[CASES n] [TARGET program] [PER_LAW]); not understood: '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  get_filename_component(config "${arg_CONFIG}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
  if(NOT EXISTS "${config}")
    message(FATAL_ERROR "migproof_add_tests: '${config}' is not there")
  endif()
  set(program migproof::gtest)
  if(arg_TARGET)
    set(program "${arg_TARGET}")
  endif()
  set(options --config "${config}")
  foreach(law IN LISTS arg_LAWS)
    list(APPEND options --law "${law}")
  endforeach()
  if(DEFINED arg_CASES)
    list(APPEND options --cases "${arg_CASES}")
  endif()
  list(LENGTH arg_POSTGRES count)
  if(count EQUAL 0)
    set(arg_POSTGRES " ")  # as the configuration says
  endif()
  foreach(postgres IN LISTS arg_POSTGRES)
    set(name "${arg_NAME}")
    set(own_options ${options})
    string(STRIP "${postgres}" postgres)
    if(postgres)
      list(APPEND own_options --postgres "${postgres}")
    endif()
    if(count GREATER 1)
      string(MAKE_C_IDENTIFIER "${postgres}" suffix)
      string(APPEND name ".${suffix}")
    endif()
    set(script "${CMAKE_CURRENT_BINARY_DIR}/migproof-${name}")
    file(GENERATE OUTPUT "${script}-$<CONFIG>.cmake" CONTENT
"set(migproof_name [==[${name}]==])
set(migproof_program [==[$<TARGET_FILE:migproof::program>]==])
set(migproof_gtest [==[$<TARGET_FILE:${program}>]==])
set(migproof_options [==[${own_options}]==])
set(migproof_postgres [==[${postgres}]==])
set(migproof_config [==[${config}]==])
set(migproof_state [==[${script}.server]==])
set(migproof_per_law [==[${arg_PER_LAW}]==])
include([==[${migproof_discover}]==])
")
    file(WRITE "${script}.cmake" "if(CTEST_CONFIGURATION_TYPE)
  include(\"${script}-\${CTEST_CONFIGURATION_TYPE}.cmake\")
else()
  include([==[${script}-${CMAKE_BUILD_TYPE}.cmake]==])
endif()
")
    set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${script}.cmake")
  endforeach()
endfunction()
