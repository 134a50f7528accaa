# One target a folder. A folder's headers are reached as "folder/file.h" through a directory that holds that folder
# alone, so that an include against the arrows of docs/architecture.md finds no file and does not build.

add_library(fqt_options INTERFACE)
# -ffp-contract=off: the compiler must not fuse a*b+c on its own, or the bits of a run would depend on the machine.
# -fno-trapping-math: nobody reads the floating-point exception flags, so gcc may turn a comparison in a loop into a
# vector's choice. No result changes.
target_compile_options(fqt_options INTERFACE -Wall -Wextra -ffp-contract=off -fno-trapping-math
  $<$<BOOL:${FQT_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # gcc 12 sees overlapping copies inside std::string where there are none (its bug 105651).
  target_compile_options(fqt_options INTERFACE -Wno-restrict)
endif()

function(fqt_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE" ${ARGN})
  add_library(fqt_${name} STATIC ${ARG_SOURCES})
  add_library(fqt::${name} ALIAS fqt_${name})
  set_target_properties(fqt_${name} PROPERTIES EXPORT_NAME ${name})
  set(staged ${CMAKE_BINARY_DIR}/staged/${name})
  file(MAKE_DIRECTORY ${staged})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${staged}/${name} SYMBOLIC)
  target_include_directories(fqt_${name} PUBLIC $<BUILD_INTERFACE:${staged}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/fqt>)
  target_compile_features(fqt_${name} PUBLIC cxx_std_20)
  foreach(dependency IN LISTS ARG_DEPENDS)
    target_link_libraries(fqt_${name} PUBLIC fqt_${dependency})
  endforeach()
  # Read by nearly every file, and most of the time of compiling it: compiled once, for engine and all that follow it.
  if(name STREQUAL engine)
    target_precompile_headers(fqt_engine PRIVATE <algorithm> <fmt/format.h> <functional> <memory> <span> <string> <vector>)
  else()
    target_precompile_headers(fqt_${name} REUSE_FROM fqt_engine)
  endif()
  target_link_libraries(fqt_${name} PRIVATE $<BUILD_INTERFACE:fqt_options> ${ARG_PRIVATE})
  set_property(GLOBAL APPEND PROPERTY FQT_LIBRARIES ${name})
endfunction()
