# What the reader is linked to, and smtptape::reader, which is all of it.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(Boost 1.81 CONFIG)
include(${CMAKE_CURRENT_LIST_DIR}/libraries.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/smtptape-targets.cmake)
add_library(smtptape::reader INTERFACE IMPORTED)
target_link_libraries(smtptape::reader INTERFACE smtptape_sessions smtptape_store)
target_compile_features(smtptape::reader INTERFACE cxx_std_20)
