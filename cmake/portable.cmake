# Whether programs can be linked without shared libraries here, and which are.  What is linked so is a
# position-independent program all the same.
include(CheckLinkerFlag)
check_linker_flag(CXX -static-pie SMTPTAPE_LINKS_STATIC_PIE)
option(SMTPTAPE_STATIC "Link every program without shared libraries" OFF)
set(SMTPTAPE_PORTABLE AUTO CACHE STRING
  "Link portable/smtptape, too, without shared libraries: ON, OFF, or AUTO: where all archives are there")
set(in_the_way ${SMTPTAPE_MISSING_ARCHIVES})
if(NOT SMTPTAPE_LINKS_STATIC_PIE)
  list(APPEND in_the_way "a linker that takes -static-pie")
endif()
if(CMAKE_CXX_FLAGS MATCHES "-fsanitize")
  list(APPEND in_the_way "a build without sanitizers")
endif()
list(JOIN in_the_way ", " in_the_way)
if(SMTPTAPE_PORTABLE STREQUAL AUTO)
  set(links_portable ON)
  if(in_the_way)
    set(links_portable OFF)
    message(STATUS "No portable/smtptape, for want of: ${in_the_way}")
  endif()
else()
  set(links_portable ${SMTPTAPE_PORTABLE})
endif()
if(in_the_way AND (SMTPTAPE_STATIC OR links_portable))
  message(FATAL_ERROR "Linking without shared libraries takes ${in_the_way}")
endif()

# Calls of the libraries that nobody makes and that would need shared libraries of the machine: whoever is
# linked without them gets ours, of cli/static_program.cc, which say that there is nothing.
if(SMTPTAPE_STATIC OR links_portable)
  set(calls dlopen getaddrinfo getnameinfo gethostbyname getservbyname getservbyname_r getservbyport_r
    archive_write_set_format_xar)
  list(TRANSFORM calls PREPEND -Wl,--wrap=)
  # Of all libraries that call them each program has libarchive.
  set_property(TARGET libs::archive APPEND PROPERTY INTERFACE_LINK_OPTIONS "$<${is_static}:${calls}>")
  set_property(TARGET libs::archive APPEND PROPERTY
    INTERFACE_LINK_LIBRARIES $<${is_static}:$<TARGET_OBJECTS:smtptape_instead>>)
endif()
