#include "trainer/explain/walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/check.h"
#include "trainer/explain/elements.h"
#include "trainer/text.h"
#include "trainer/trainer.h"

namespace fqt::trainer {
namespace {

constexpr size_t kSamples = 5;

/// Real values, one for each of evenly spaced places of the range. Zeros are left out: they may be borders.
std::vector<OperandSample> sample(const quant::Operand& operand) {
  const quant::OperandStatistics& statistics = *operand.statistics;
  if (operand.is_float()) return {};
  const std::span<const float> values = operand.values->floats();
  std::array<int64_t, kSamples> nearest{};
  for (size_t s = 0; s < kSamples; ++s) {
    const double share = static_cast<double>(s) / (kSamples - 1);
    const double target = statistics.low + (double{statistics.high} - statistics.low) * share;
    const auto distance = [&](size_t i) { return std::abs(values[i] - target); };
    nearest[s] = -1;
    for (size_t i = 0; i < values.size(); ++i)
      if (values[i] != 0 && (nearest[s] < 0 || distance(i) < distance(static_cast<size_t>(nearest[s]))))
        nearest[s] = static_cast<int64_t>(i);
  }
  std::vector<OperandSample> samples;
  for (const int64_t place : nearest) {
    if (place < 0) continue;  // all are 0
    const float value = values[static_cast<size_t>(place)];
    if (!samples.empty() && samples.back().value == value) continue;
    const int64_t channel = place % static_cast<int64_t>(operand.grids.size());
    const quant::Grid& grid = operand.grids[static_cast<size_t>(channel)];
    const int level = operand.level(place);
    samples.push_back({value, channel, level - grid.centre(), double{grid.scale} * (level - grid.zero)});
  }
  return samples;
}

/// The shapes of a site's tensors for a batch, one call.
struct SiteTensors {
  Shape x, w, y;
};

SiteTensors tensors_of(const quant::SiteShape& site, int64_t batch) {
  const ConvGeometry& g = site.geometry;
  const int64_t matrices = batch * site.calls;  // where each call has a right operand of its own
  if (site.rhs_is_activation) return {{matrices, g.m(), g.k()}, {matrices, g.k(), g.n()}, {matrices, g.m(), g.n()}};
  if (!site.is_convolution()) return {{batch * g.m(), g.k()}, {g.k(), g.n()}, {batch * g.m(), g.n()}};
  return {{batch, g.height, g.width, g.in_channels},
          {g.kernel, g.kernel, g.group_in(), g.out_channels},
          {batch, g.out_height(), g.out_width(), g.out_channels}};
}

constexpr quant::ByProduct<ProductSymbols> kSymbols{
    {{{"X", "W", "Y", "Y = X W"}, {"dY", "W", "dX", "dX = dY W^T"}, {"X", "dY", "dW", "dW = X^T dY"}}}};
/// grad_rhs where the right operand lies transposed, as the keys of attention do.
constexpr ProductSymbols kSwapped{"dY", "X", "dW^T", "dW^T = dY^T X"};

/// Collects what a step does at one site.
class SiteProbe : public quant::Probe {
 public:
  SiteProbe(const quant::SiteShape& site, int64_t batch) : site_(site), batch_(batch) {
    if (!site.rhs_is_activation) site_.calls = 1;
  }

  bool wants(const quant::Site& site) const override { return site.name == site_.name; }
  bool wants_values() const override { return true; }

  void observe(const quant::Observation& observation) override {
    // Where a layer is called several times: the last call, whose backward products come first. The first call of a
    // recurrent layer multiplies zeros.
    const auto seen = std::ranges::find(products_, observation.product, &ProductWalk::kind);
    const bool again = seen != products_.end();
    if (again && observation.product != quant::ProductKind::forward) return;
    ProductWalk walk = walk_of(observation);
    if (again)
      *seen = std::move(walk);
    else
      products_.push_back(std::move(walk));
  }

  std::vector<ProductWalk> products() && { return std::move(products_); }

 private:
  ProductWalk walk_of(const quant::Observation& observation) {
    const quant::Multiplication& multiplied = observation.multiplied;
    const ProductSymbols& names = observation.swapped ? kSwapped : symbols(observation.product);
    ProductWalk walk{.kind = observation.product,
                     .names = names,
                     .shape = site_.product(observation.product, batch_),
                     .most_terms = observation.terms,
                     .result_shape = multiplied.result.shape(),
                     .lhs = operand(names.lhs, multiplied.lhs),
                     .rhs = operand(names.rhs, multiplied.rhs),
                     .accumulator = observation.accumulator,
                     .largest_sum = observation.largest_sum,
                     .accumulator_peak = observation.accumulator_peak,
                     .overflows = observation.overflows,
                     .emulated = multiplied.accumulator.bits > 0};
    if (observation.swapped) std::swap(walk.shape.m, walk.shape.n);
    walk_elements(multiplied, walk);
    return walk;
  }

  OperandWalk operand(std::string_view name, const quant::Operand& operand) {
    const SiteTensors tensors = tensors_of(site_, batch_);
    OperandWalk walk{name == "X" ? tensors.x : name == "W" ? tensors.w : tensors.y, operand.statistics};
    // Codes that are used twice were measured once.
    walk.reused = std::ranges::any_of(products_, [&](const ProductWalk& earlier) {
      return earlier.lhs.statistics == operand.statistics || earlier.rhs.statistics == operand.statistics;
    });
    walk.samples = sample(operand);
    return walk;
  }

  quant::SiteShape site_;
  int64_t batch_;
  std::vector<ProductWalk> products_;
};

}  // namespace

const ProductSymbols& symbols(quant::ProductKind kind) { return kSymbols[kind]; }

const quant::SiteShape& find_site(const Experiment& experiment, const std::string& name) {
  std::vector<std::string> known;
  for (const quant::SiteShape& site : experiment.sites) {
    if (site.name == name) return site;
    known.push_back(site.name);
  }
  const std::string& model = experiment.config.model;
  const std::string meant = did_you_mean(name, known);
  fail(ErrorKind::usage, "[explain] {} has no site '{}'{}", model, printable(name),
       meant.empty() ? fmt::format("; `fqt explain {}` lists them", model) : meant);
}

SiteWalk walk_site(Trainer& trainer, const Experiment& experiment, const quant::SiteShape& site) {
  SiteProbe probe(site, experiment.config.train.batch);
  const StepRecord step = trainer.step(&probe);
  return {site, step, std::move(probe).products()};
}

}  // namespace fqt::trainer
