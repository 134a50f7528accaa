#include "quant/formats/format.h"

#include <cmath>
#include <limits>

#include "engine/find.h"

namespace fqt::quant {
namespace {

constexpr Format kFormats[] = {
    {"fp32", nullptr},
    {"symmetric", fit_symmetric},
    {"affine", fit_affine},
};

}  // namespace

float covering_step(double end, int levels) {
  const float step = static_cast<float>(end / levels);
  return static_cast<double>(step) * levels < end ? std::nextafterf(step, std::numeric_limits<float>::infinity())
                                                  : step;
}

std::span<const Format> formats() { return kFormats; }

const Format& find_format(std::string_view name) { return find_row(kFormats, name, "format", "number format"); }

}  // namespace fqt::quant
