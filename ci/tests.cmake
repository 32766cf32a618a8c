# One test program per layer, from the x_test.cc files beside the code. A program's tests share one throw-away server
# (started by the first test that asks), so ctest runs each program in a few shards rather than each test by itself.
find_package(GTest REQUIRED)
find_library(PG_QUERY pg_query)

function(migproof_test_program name shards)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${name}/*_test.cc)
  if(NOT sources)
    return()
  endif()
  add_library(${name}_tests OBJECT ${sources} ci/test_main.cc)
  target_link_libraries(${name}_tests PUBLIC migproof_${name} GTest::gtest GTest::gmock rapidcheck
                        CURL::libcurl)  # the harness's, whose objects the tests of the layer below hold, too
  # Few enough that the last ones to compile are shared by two CPUs.
  set_target_properties(${name}_tests PROPERTIES UNITY_BUILD_BATCH_SIZE 6)
  # Not optimized, which halves the time that they take to compile: what they wait for is the server.
  target_compile_options(${name}_tests PRIVATE $<$<CONFIG:Release>:-O0>)
  target_precompile_headers(${name}_tests PRIVATE <gmock/gmock.h> <gtest/gtest.h> <nlohmann/json.hpp> <filesystem>
                            <fstream> <map> <memory> <optional> <string> <vector> <fmt/format.h>)
  target_compile_definitions(${name}_tests PRIVATE MIGPROOF_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                             MIGPROOF_PROGRAM="$<TARGET_FILE:migproof>" MIGPROOF_BUILD_DIR="${PROJECT_BINARY_DIR}")
  if(PG_QUERY)
    target_compile_definitions(${name}_tests PRIVATE MIGPROOF_HAVE_PG_QUERY)
    target_link_libraries(${name}_tests PUBLIC ${PG_QUERY})
  endif()
  # The layers' objects first: of an inline function that both have, the program keeps the first, which is optimized.
  add_executable(${name}_test ${ARGN} $<TARGET_OBJECTS:${name}_tests>)
  set_target_properties(${name}_test PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(${name}_test PRIVATE ${name}_tests)
  add_dependencies(${name}_test migproof migproof-gtest migproof_library)
  math(EXPR last "${shards} - 1")
  foreach(shard RANGE ${last})
    add_test(NAME ${name}_${shard} COMMAND ${name}_test --gtest_brief=1)
    set_tests_properties(${name}_${shard} PROPERTIES TIMEOUT 3600
      ENVIRONMENT "GTEST_TOTAL_SHARDS=${shards};GTEST_SHARD_INDEX=${shard}")
  endforeach()
endfunction()

migproof_test_program(migrations 1 $<TARGET_OBJECTS:migproof_migrations> $<TARGET_OBJECTS:migproof_harness>)
migproof_test_program(harness 2 $<TARGET_OBJECTS:migproof_migrations> $<TARGET_OBJECTS:migproof_harness>)
migproof_test_program(properties 2 ${migproof_objects})

# The checks of the sources are tested too: each must be able to fail.
add_test(NAME ci_checks COMMAND ${PROJECT_SOURCE_DIR}/ci/check_test)

# Containers, on an engine of its own; skipped, with the reason, where none can run.
add_test(NAME containers COMMAND ${PROJECT_SOURCE_DIR}/ci/docker_test ${PROJECT_BINARY_DIR})
set_tests_properties(containers PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 3600)

# The benchmark: build/release/bench [NAME...].
file(GLOB bench_sources CONFIGURE_DEPENDS ci/bench/*.cc)
add_executable(bench EXCLUDE_FROM_ALL ${bench_sources} ${migproof_objects})
set_target_properties(bench PROPERTIES UNITY_BUILD OFF)
target_link_libraries(bench PRIVATE migproof_properties)
target_compile_definitions(bench PRIVATE MIGPROOF_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                           MIGPROOF_PROGRAM="$<TARGET_FILE:migproof>")
add_dependencies(bench migproof)
