# The libraries that are not ours, each under one name, libs::NAME, however it is linked: as a shared
# library, or as archives into targets that have the property SMTPTAPE_STATIC, which need nothing of the
# machine that they run on, not even its C library.  A program is linked both ways from the same objects.
find_package(PkgConfig REQUIRED)
define_property(TARGET PROPERTY SMTPTAPE_STATIC INITIALIZE_FROM_VARIABLE SMTPTAPE_STATIC
  BRIEF_DOCS "Whether a program is linked without shared libraries")
set(is_static $<BOOL:$<TARGET_PROPERTY:SMTPTAPE_STATIC>>)

# What is missing for linking statically, as a list of archives.
set(SMTPTAPE_MISSING_ARCHIVES "" CACHE INTERNAL "")

# take_library(NAME MODULE [ARCHIVE…]): MODULE is what pkg-config calls it.  The archives are those that
# pkg-config names, or these, where we need fewer.
set(SMTPTAPE_LIBRARIES)
macro(take_library name module)
  list(APPEND SMTPTAPE_LIBRARIES ${name})
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET GLOBAL ${module})
  if(${ARGC} GREATER 2)
    set(${name}_STATIC_LIBRARIES ${ARGN})
  endif()
  add_library(libs::${name} INTERFACE IMPORTED GLOBAL)
  set_target_properties(libs::${name} PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${${name}_INCLUDE_DIRS}"
    INTERFACE_LINK_DIRECTORIES "${${name}_STATIC_LIBRARY_DIRS}"
    INTERFACE_LINK_LIBRARIES "$<IF:${is_static},${${name}_STATIC_LIBRARIES},PkgConfig::${name}>")
  set(missing ${SMTPTAPE_MISSING_ARCHIVES})
  foreach(part IN LISTS ${name}_STATIC_LIBRARIES)
    execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=lib${part}.a
      OUTPUT_VARIABLE archive OUTPUT_STRIP_TRAILING_WHITESPACE)
    foreach(directory IN LISTS ${name}_STATIC_LIBRARY_DIRS)
      if(EXISTS ${directory}/lib${part}.a)
        set(archive ${directory}/lib${part}.a)
      endif()
    endforeach()
    if(NOT IS_ABSOLUTE "${archive}")
      list(APPEND missing lib${part}.a)
    endif()
  endforeach()
  set(SMTPTAPE_MISSING_ARCHIVES ${missing} CACHE INTERNAL "")
endmacro()

take_library(archive libarchive archive nettle lzma bz2 zstd z)  # of its formats ZIP
take_library(capnp capnp>=0.9)
take_library(cares libcares)
take_library(crypto libcrypto>=3.0)
take_library(idn2 libidn2)
take_library(ncurses ncursesw)
take_library(re2 re2)
take_library(ssl libssl>=3.0)
take_library(zlib zlib)
take_library(zstd libzstd)
