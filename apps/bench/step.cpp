#include "bench/step.h"

#include <algorithm>

#include "bench/clock.h"
#include "bench/peak.h"
#include "bench/workload.h"
#include "quant/plan/size.h"
#include "trainer/experiment.h"
#include "trainer/trainer.h"

namespace fqt::bench {
namespace {

constexpr int64_t kImageNetSide = 224;

trainer::Experiment open(const StepOptions& options) {
  if (!options.random) return trainer::open_experiment(options.config);
  const models::ModelInput input = models::find_model_kind(options.config.model).input;
  const trainer::ImageOptions& images = options.config.images;
  // What is drawn in a smaller size is meant for ImageNet.
  const int64_t side = images.side > 0 || images.drawn_side == 0 ? images.side : kImageNetSide;
  return trainer::open_experiment(options.config, random_data(input, side, options.config.train.batch));
}

int widest(const quant::BitTable& bits) {
  int widest = 0;
  for (const quant::SiteBits& site : bits)
    for (const quant::ProductBits& product : site.products)
      if (!site.is_float) widest = std::max({widest, product.lhs, product.rhs});
  return widest == 0 ? 32 : widest;
}

}  // namespace

double StepReport::median_ms() const { return median(milliseconds); }
double StepReport::least_ms() const { return std::ranges::min(milliseconds); }
double StepReport::most_ms() const { return std::ranges::max(milliseconds); }

double StepReport::achieved_gops() const { return operations / (median_ms() * 1e6); }

double StepReport::gemm_gops() const {
  return operations / (breakdown.phases[static_cast<size_t>(profile::Phase::gemm)] * 1e9);
}

StepReport run_step(const StepOptions& options) {
  trainer::Experiment experiment = open(options);
  const trainer::Config& config = experiment.config;
  StepReport report;
  report.parameters = experiment.parameter_count();
  report.images = experiment.data.images() != nullptr;
  report.items = config.train.batch * (report.images ? 1 : config.train.sequence);
  report.operations = 2 * quant::plan_size(experiment.sites, experiment.precision, config.train.batch).multiplies;
  report.bits = widest(experiment.bits);
  report.peak_gops = peak_gops(report.bits);

  trainer::Trainer trainer(experiment);
  trainer.step(nullptr);
  for (int64_t i = 0; i < options.steps; ++i) {
    const double start = now();
    trainer.step(nullptr);
    report.milliseconds.push_back((now() - start) * 1e3);
  }
  profile::Recording recording;
  for (int64_t i = 0; i < options.steps; ++i) {
    const profile::Scope scope(profile::Phase::other);
    trainer.step(nullptr);
  }
  report.events = recording.stop();
  report.breakdown = break_down(report.events, options.steps);
  return report;
}

}  // namespace fqt::bench
