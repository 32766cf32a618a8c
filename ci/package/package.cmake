# What `cmake --install` brings: the programs, and for find_package(migproof) the package and the library.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
find_package(GTest)

install(TARGETS migproof RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# GoogleTest is needed only to have laws as its tests.
if(NOT GTest_FOUND)
  return()
endif()
add_library(migproof_gtest_main STATIC harness/gtest/main.cc)
# Compiled against the layers, not linked with them: an archive would take in the objects that it links.
target_include_directories(migproof_gtest_main PRIVATE ${PROJECT_SOURCE_DIR})
target_link_libraries(migproof_gtest_main PRIVATE GTest::gtest fmt::fmt nlohmann_json::nlohmann_json
                      PkgConfig::PQXX PostgreSQL::PostgreSQL tomlplusplus::tomlplusplus)
add_executable(migproof-gtest ${migproof_objects})
target_link_libraries(migproof-gtest PRIVATE migproof_gtest_main migproof_properties GTest::gtest)

add_library(migproof_library STATIC ${migproof_objects})
set_target_properties(migproof_library PROPERTIES OUTPUT_NAME migproof LINKER_LANGUAGE CXX)

install(TARGETS migproof-gtest RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS migproof_gtest_main ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS migproof_library ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY migrations harness DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/migproof
        FILES_MATCHING PATTERN "*.h" PATTERN "*_for_test.h" EXCLUDE)
set(migproof_package_directory ${CMAKE_INSTALL_LIBDIR}/cmake/migproof)
configure_package_config_file(ci/package/migproof-config.cmake.in ${PROJECT_BINARY_DIR}/package/migproof-config.cmake
  INSTALL_DESTINATION ${migproof_package_directory}
  PATH_VARS CMAKE_INSTALL_BINDIR CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/migproof-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/package/migproof-config.cmake
              ${PROJECT_BINARY_DIR}/package/migproof-config-version.cmake
              ci/package/migproof-add-tests.cmake ci/package/migproof-discover.cmake
        DESTINATION ${migproof_package_directory})
