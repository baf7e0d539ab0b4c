# Every header compiles alone, and twice: the target all_headers_compile builds, for each header,
# a source that includes nothing else.  No list is kept, so that no header can be forgotten.

add_custom_target(all_headers_compile)

# add_header_check(LIBRARY): the headers of the current folder, seen as the library's sources see
# them.  A folder within it that has its own CMakeLists.txt looks after its own headers.
function(add_header_check library)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} *.h)
  file(GLOB_RECURSE inner CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} */CMakeLists.txt)
  foreach(lists IN LISTS inner)
    cmake_path(GET lists PARENT_PATH folder)
    list(FILTER headers EXCLUDE REGEX "^${folder}/")
  endforeach()

  file(RELATIVE_PATH prefix ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  set(sources)
  foreach(header IN LISTS headers)
    set(source ${CMAKE_CURRENT_BINARY_DIR}/headers/${header}.cc)
    file(CONFIGURE OUTPUT ${source} CONTENT [[
#include "@prefix@/@header@"  // alone
#include "@prefix@/@header@"  // and once more
]] @ONLY)
    list(APPEND sources ${source})
  endforeach()
  if(sources)
    add_library(${library}_headers OBJECT EXCLUDE_FROM_ALL ${sources})
    target_compile_options(${library}_headers PRIVATE -O0 -g0)
    target_include_directories(${library}_headers PRIVATE
      $<TARGET_PROPERTY:${library},INCLUDE_DIRECTORIES>)
    target_link_libraries(${library}_headers PRIVATE ${library} smtptape_warnings)
    add_dependencies(all_headers_compile ${library}_headers)
  endif()
endfunction()
