# `cmake --install` gives bin/fqt, the libraries, the headers under include/fqt (folders kept), and a package for
# find_package(fqt): target fqt::fqt for everything, or fqt::engine, fqt::quant ... for one folder and what it stands on.
include(CMakePackageConfigHelpers)
set(FQT_INSTALL_PACKAGE ${CMAKE_INSTALL_LIBDIR}/cmake/fqt)

get_property(libraries GLOBAL PROPERTY FQT_LIBRARIES)
add_library(fqt_umbrella INTERFACE)
add_library(fqt::fqt ALIAS fqt_umbrella)
set_target_properties(fqt_umbrella PROPERTIES EXPORT_NAME fqt)
foreach(library IN LISTS libraries)
  set(folder ${PROJECT_SOURCE_DIR}/${library})
  if(NOT EXISTS ${folder})  # a part of apps, built into the program alone
    continue()
  endif()
  target_link_libraries(fqt_umbrella INTERFACE fqt_${library})
  install(TARGETS fqt_${library} EXPORT fqt_targets)
  install(DIRECTORY ${folder}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/fqt/${library} FILES_MATCHING PATTERN "*.h")
endforeach()
install(TARGETS fqt_umbrella EXPORT fqt_targets)
if(TARGET fqt)
  install(TARGETS fqt)
endif()

install(EXPORT fqt_targets FILE fqt-targets.cmake NAMESPACE fqt:: DESTINATION ${FQT_INSTALL_PACKAGE})
configure_package_config_file(cmake/fqt-config.cmake.in ${CMAKE_BINARY_DIR}/fqt-config.cmake
  INSTALL_DESTINATION ${FQT_INSTALL_PACKAGE})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/fqt-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/fqt-config.cmake ${CMAKE_BINARY_DIR}/fqt-config-version.cmake
  DESTINATION ${FQT_INSTALL_PACKAGE})
