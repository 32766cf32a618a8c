# migproof_embed(TARGET OUTPUT DIRECTORY PATTERN CONSTANT): a header with every matching file as a string:
#   inline const std::pair<std::string_view, std::string_view> CONSTANT[] = {{"tables.sql", R"sql(...)sql"}, ...};
# sorted by name, made anew when a file changes, appears or goes.
function(migproof_embed target output directory pattern constant)
  file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${directory}/${pattern})
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} "-DOUTPUT=${output}" "-DFILES=${files}" "-DCONSTANT=${constant}" -P ${PROJECT_SOURCE_DIR}/ci/embed_script.cmake
    DEPENDS ${files} ${PROJECT_SOURCE_DIR}/ci/embed_script.cmake
    VERBATIM)
  add_custom_target(${target} DEPENDS ${output})
endfunction()
