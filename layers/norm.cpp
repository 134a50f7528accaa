#include "layers/norm.h"

#include "engine/find.h"
#include "layers/batch_norm.h"
#include "layers/range_norm.h"

namespace fqt::layers {
namespace {

template <typename Kind>
std::unique_ptr<Norm> make(const std::string& name, int64_t channels) {
  return std::make_unique<Kind>(name, channels);
}

constexpr NormKind kNormKinds[] = {
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

std::span<const NormKind> norm_kinds() { return kNormKinds; }

std::unique_ptr<Norm> make_norm(std::string_view kind, const std::string& name, int64_t channels) {
  return find_row(kNormKinds, kind, "norm", "norm").make(name, channels);
}

}  // namespace fqt::layers
