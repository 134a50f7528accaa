#include "layers/norm.h"

#include "engine/check.h"
#include "layers/batch_norm.h"
#include "layers/range_norm.h"

namespace fqt::layers {
namespace {

template <typename Kind>
std::unique_ptr<Norm> make(const std::string& name, int64_t channels) {
  return std::make_unique<Kind>(name, channels);
}

constexpr NormKind kKinds[] = {
    {"batch", "batch norm: divides by the standard deviation (Ioffe and Szegedy 2015)", make<BatchNorm>},
    {"range", "range batch norm: by the range of 16 chunks, scaled to one (Banner et al. 2018)", make<RangeNorm>},
};

}  // namespace

Norm::Norm(const std::string& name, int64_t channels) {
  gamma_.name = name + ".gamma";
  gamma_.value = Tensor({channels});
  gamma_.start_value = 1;
  beta_.name = name + ".beta";
  beta_.value = Tensor({channels});
}

ops::NormOptions Norm::options(const quant::Context& context) {
  ops::NormOptions options;
  options.training = context.training;
  return options;
}

std::span<const NormKind> norm_kinds() { return kKinds; }

std::unique_ptr<Norm> make_norm(std::string_view kind, const std::string& name, int64_t channels) {
  std::string known;
  for (const NormKind& row : kKinds) {
    if (row.name == kind) return row.make(name, channels);
    known += fmt::format("\n  {}: {}", row.name, row.description);
  }
  fail(ErrorKind::usage, "[norm] no norm '{}'; known:{}", kind, known);
}

}  // namespace fqt::layers
