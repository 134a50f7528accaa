#include "bench/step.h"

#include <algorithm>
#include <map>

#include "bench/clock.h"
#include "bench/peak.h"
#include "bench/workload.h"
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

std::vector<WidthShare> measure_widths(const trainer::Experiment& experiment) {
  std::map<int, double> operations;
  for (const quant::SiteShape& site : experiment.sites) {
    const quant::Precision& precision = experiment.precision.at(site.name);
    for (const quant::ProductKind kind : quant::kProducts) {
      if (!site.computes(kind)) continue;
      const auto& [lhs, rhs] = precision.products[kind];
      operations[precision.is_float() ? 32 : std::max(lhs.bits, rhs.bits)] +=
          2.0 * static_cast<double>(site.product(kind, experiment.config.train.batch).multiplies);
    }
  }
  std::vector<WidthShare> widths;
  for (const auto& [bits, count] : operations) widths.push_back({bits, count, peak_gops(bits)});
  return widths;
}

}  // namespace

double StepReport::median_ms() const { return median(milliseconds); }
double StepReport::least_ms() const { return std::ranges::min(milliseconds); }
double StepReport::most_ms() const { return std::ranges::max(milliseconds); }

double StepReport::achieved_gops() const { return operations / (median_ms() * 1e6); }

double StepReport::gemm_gops() const {
  return operations / (breakdown.phases[static_cast<size_t>(profile::Phase::gemm)] * 1e9);
}

double StepReport::peak_gops() const {
  double seconds = 0;
  for (const WidthShare& width : widths) seconds += width.operations / (width.peak_gops * 1e9);
  return operations / (seconds * 1e9);
}

StepReport run_step(const StepOptions& options) {
  trainer::Experiment experiment = open(options);
  const trainer::Config& config = experiment.config;
  StepReport report;
  report.parameters = experiment.parameter_count();
  report.images = experiment.data.images() != nullptr;
  report.items = config.train.batch * (report.images ? 1 : config.train.sequence);
  report.widths = measure_widths(experiment);
  for (const WidthShare& width : report.widths) report.operations += width.operations;

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
