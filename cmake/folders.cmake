# One library a folder, with the same warnings everywhere.
#
#   add_folder_library(smtptape_format SOURCES … DEPENDS smtptape_base … PRIVATE_DEPENDS zstd …)

add_library(smtptape_warnings INTERFACE)
target_compile_options(smtptape_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Woverloaded-virtual -Wcast-qual -Wcast-align -Wformat=2 -Wundef -Wextra-semi
  -Wdouble-promotion -Wmissing-declarations
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wsuggest-override>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety -Wrange-loop-analysis>)

function(add_folder_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:include/smtptape>)
  target_link_libraries(${name}
    PUBLIC ${ARG_DEPENDS}
    PRIVATE ${ARG_PRIVATE_DEPENDS} $<BUILD_INTERFACE:smtptape_warnings>)
  add_header_check(${name})
endfunction()
