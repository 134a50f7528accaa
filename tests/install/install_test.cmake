# See CMakeLists.txt. Given: BUILD, CONFIG, GENERATOR, CONSUMER, COMPILER, FLAGS.
set(place ${BUILD}/install_test)
file(REMOVE_RECURSE ${place})

function(run)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\n${output}\nended with ${result}")
  endif()
  set(output ${output} PARENT_SCOPE)
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --config ${CONFIG} --prefix ${place}/prefix)
# Moved, so that a path that still points to the first place is found out.
file(RENAME ${place}/prefix ${place}/moved)
run(${CMAKE_COMMAND} -S ${CONSUMER} -B ${place}/consumer -G ${GENERATOR} -D CMAKE_BUILD_TYPE=Release
  -D CMAKE_CXX_COMPILER=${COMPILER} "-DCMAKE_CXX_FLAGS=${FLAGS}" -D CMAKE_PREFIX_PATH=${place}/moved)
run(${CMAKE_COMMAND} --build ${place}/consumer)
run(${place}/consumer/consumer)
if(NOT output MATCHES "^installed fqt computes: ")
  message(FATAL_ERROR "the consumer printed: ${output}")
endif()
message("${output}")
