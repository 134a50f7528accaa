# Writes test vectors and has apps/examples/check_vectors.py work them out again with NumPy:
#   cmake -D PROGRAM=fqt -D SCRIPT=check_vectors.py -D FOLDER=a folder that is this test's own -P check_vectors.cmake
function(has_numpy result candidate)
  execute_process(COMMAND ${candidate} -c "import numpy" RESULT_VARIABLE code OUTPUT_QUIET ERROR_QUIET)
  if(NOT code EQUAL 0)
    set(${result} FALSE PARENT_SCOPE)
  endif()
endfunction()

find_program(python NAMES python3 VALIDATOR has_numpy NO_CACHE)
if(NOT python)
  message("skipped: there is no python3 with NumPy here (Debian: python3-numpy)")
  return()
endif()

# check(expected_code seen): runs the script and looks for a text in what it prints.
function(check expected_code seen)
  execute_process(COMMAND ${python} -B -W error ${SCRIPT} ${FOLDER}
    RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE output)
  string(FIND "${output}" "${seen}" at)
  if(NOT code EQUAL expected_code OR at EQUAL -1)
    message(FATAL_ERROR "check_vectors.py ended with ${code}, expected ${expected_code} and '${seen}':\n${output}")
  endif()
  message("${output}")
endfunction()

file(REMOVE_RECURSE ${FOLDER})
execute_process(COMMAND ${PROGRAM} vectors -o ${FOLDER} COMMAND_ERROR_IS_FATAL ANY)
check(0 "agree")

# A checker that finds nothing wrong must be able to.
file(READ ${FOLDER}/philox.json text)
string(REPLACE "\"first_block\":\"0000000000000000\"" "\"first_block\":\"0000000000000001\"" text "${text}")
file(WRITE ${FOLDER}/philox.json "${text}")
check(1 "case 0, words[0]: computed ")
file(REMOVE ${FOLDER}/philox.json)
check(2 "philox.json: No such file")
file(REMOVE_RECURSE ${FOLDER})
