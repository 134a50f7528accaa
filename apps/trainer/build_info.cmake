# Runs at every build and writes a file only where its content changes: the commit a program reports is the one it was
# built from, and a new commit recompiles one small file.
execute_process(COMMAND git describe --always --dirty --abbrev=12 --exclude=*
  WORKING_DIRECTORY ${FQT_SOURCE} OUTPUT_VARIABLE FQT_COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT FQT_COMMIT)
  set(FQT_COMMIT unknown)
endif()
configure_file(${FQT_TEMPLATE} ${FQT_OUTPUT} @ONLY)
