# Joins Vega's modules (FQT_VEGA, a folder of vega-*.min.js) into one script that defines `vega` (FQT_OUTPUT). Debian has
# no file of all of Vega. A module asks for others by `require`, so that an order in which they can start is all it takes.
set(modules util time format loader dataflow statistics canvas scale scenegraph expression event-selector selection
    functions runtime view-transforms view encode transforms parser interpreter)

set(script "const vega = (() => {
const modules = {};
const require = (name) => {
  if (!(name in modules)) throw Error('no module ' + name);
  return modules[name];
};
const define = (name, start) => {
  const module = {exports: {}};
  start(module.exports, module);
  modules[name] = module.exports;
};
")
foreach(module IN LISTS modules)
  file(READ ${FQT_VEGA}/vega-${module}.min.js text)
  # A map of the source is a file of its own, which browsers would look for.
  string(REGEX REPLACE "\n//# sourceMappingURL=[^\n]*" "" text "${text}")
  string(FIND "${text}" "</script" ends_script)
  if(NOT ends_script EQUAL -1)
    message(FATAL_ERROR "${FQT_VEGA}/vega-${module}.min.js holds </script and cannot stand in a page")
  endif()
  set(name ${module})
  if(module STREQUAL "selection")
    set(name selections)
  endif()
  string(APPEND script "define('vega-${name}', (exports, module) => {\n${text}\n});\n")
endforeach()
string(APPEND script "Object.assign(require('vega-dataflow').transforms,
    require('vega-transforms'), require('vega-view-transforms'), require('vega-encode'));
return {
  parse: require('vega-parser').parse,
  View: require('vega-view').View,
  expressionInterpreter: require('vega-interpreter').expressionInterpreter,
};
})();
")
file(WRITE ${FQT_OUTPUT} "${script}")
