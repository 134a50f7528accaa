#include "quant/formats/format.h"

#include <string>

#include "engine/check.h"

namespace fqt::quant {
namespace {

constexpr Format kFormats[] = {
    {"fp32", nullptr},
    {"symmetric", fit_symmetric},
    {"affine", fit_affine},
};

}  // namespace

std::span<const Format> formats() { return kFormats; }

const Format& find_format(std::string_view name) {
  std::string known;
  for (const Format& format : kFormats) {
    if (format.name == name) return format;
    known += (known.empty() ? "" : ", ") + std::string(format.name);
  }
  fail(ErrorKind::usage, "[format] no number format '{}'; known: {}", name, known);
}

}  // namespace fqt::quant
