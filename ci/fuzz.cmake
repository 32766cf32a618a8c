# Fuzz targets, one per ci/fuzz/x_fuzz.cc (clang only).
if(NOT CMAKE_CXX_COMPILER_ID MATCHES Clang)
  message(FATAL_ERROR "MIGPROOF_FUZZ needs clang++ (libFuzzer): -DCMAKE_CXX_COMPILER=clang++")
endif()
file(GLOB fuzz_sources CONFIGURE_DEPENDS ci/fuzz/*_fuzz.cc)
set(fuzzed
    migrations/error.cc
    migrations/lexer.cc
    migrations/liquibase/changelog.cc
    migrations/script.cc
    migrations/script_words.cc
    migrations/sourcegraph/metadata.cc
    migrations/sql_literal.cc
    migrations/sqitch/conf.cc
    migrations/sqitch/plan.cc
    migrations/utf8.cc)
foreach(source IN LISTS fuzz_sources)
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source} ${fuzzed})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_options(${name} PRIVATE -fsanitize=fuzzer,address,undefined -fno-omit-frame-pointer -O1)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer,address,undefined)
  target_link_libraries(${name} PRIVATE fmt::fmt yaml-cpp OpenSSL::Crypto)
endforeach()
