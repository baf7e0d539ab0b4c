# write_terminal_kinds(TO KIND…): what this machine's terminfo says of these terminals, as the initializers
# of an array; of two whose names begin alike the longer stands first in the list.
function(write_terminal_kinds to)
  find_program(INFOCMP infocmp REQUIRED)
  set(kinds)
  foreach(kind IN LISTS ARGN)
    execute_process(COMMAND ${INFOCMP} -q -Q2 ${kind} OUTPUT_VARIABLE description COMMAND_ERROR_IS_FATAL ANY)
    string(REPLACE "\n" "" description "${description}")
    string(APPEND kinds "{\"${kind}\", \"${description}\"},\n")
  endforeach()
  file(CONFIGURE OUTPUT ${to} CONTENT "${kinds}" @ONLY)
endfunction()
