# migproof_embed(OUTPUT DIRECTORY PATTERN): a header with every matching file as a string:
#   inline const std::pair<std::string_view, std::string_view> kEmbeddedFiles[] = {{"tables.sql", R"sql(...)sql"}, ...};
# sorted by name, made anew when a file changes, appears or goes.
function(migproof_embed output directory pattern)
  file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${directory}/${pattern})
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} "-DOUTPUT=${output}" "-DFILES=${files}" -P ${PROJECT_SOURCE_DIR}/ci/embed_script.cmake
    DEPENDS ${files} ${PROJECT_SOURCE_DIR}/ci/embed_script.cmake
    VERBATIM)
  add_custom_target(migproof_embedded DEPENDS ${output})
endfunction()
