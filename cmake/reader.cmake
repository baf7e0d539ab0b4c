# What a program of your own reads tapes with: find_package(smtptape), smtptape::reader; samples/reader is
# one.  It is what the commands read with, with its headers as they are.  Nothing promises that the next
# version has the same functions; what is promised is the form of tapes, docs/format.md.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(reader_folders base smtp format filters sessions store)
set(reader_libraries ${reader_folders})
list(TRANSFORM reader_libraries PREPEND smtptape_)
set(reader_config ${CMAKE_INSTALL_LIBDIR}/cmake/smtptape)

install(TARGETS ${reader_libraries} smtptape_schema EXPORT smtptape
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT reader)
foreach(folder IN LISTS reader_folders)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${folder} DESTINATION include/smtptape COMPONENT reader
    FILES_MATCHING PATTERN *.h PATTERN net EXCLUDE)
endforeach()
install(EXPORT smtptape FILE smtptape-targets.cmake DESTINATION ${reader_config} COMPONENT reader)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/smtptape-config-version.cmake COMPATIBILITY ExactVersion)
install(FILES cmake/smtptape-config.cmake cmake/libraries.cmake ${CMAKE_BINARY_DIR}/smtptape-config-version.cmake
  DESTINATION ${reader_config} COMPONENT reader)
