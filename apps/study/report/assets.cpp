#include "study/report/assets.h"

#include "engine/check.h"

// assets.inc has a row FQT_ASSET("style.css", symbol) for each file that assets.S takes in; CMakeLists.txt writes both.
#define FQT_ASSET(name, symbol) extern "C" const char symbol[], symbol##_end[];
#include "assets.inc"
#undef FQT_ASSET

namespace fqt::study {
namespace {

struct Asset {
  std::string_view name;
  const char *begin, *end;
};

#define FQT_ASSET(name, symbol) {name, symbol, symbol##_end},
const Asset kAssets[] = {
#include "assets.inc"
};
#undef FQT_ASSET

}  // namespace

std::string_view asset(std::string_view name) {
  for (const Asset& file : kAssets)
    if (file.name == name) return {file.begin, file.end};
  fail(ErrorKind::internal, "[report] no file {} is built in", name);
}

}  // namespace fqt::study
