#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bench/breakdown.h"
#include "trainer/config.h"

namespace fqt::bench {

struct StepOptions {
  trainer::Config config;
  bool random = true;  ///< on random_data() instead of config.data
  int64_t steps = 7;   ///< measured, after one warm-up; then as many again are recorded
};

/// The products of a step whose wider operand has so many bits, 32 in float.
struct WidthShare {
  int bits;
  double operations;  ///< 2 * multiply-accumulates
  double peak_gops;   ///< what one thread can do on such operands, measured just before
};

struct StepReport {
  int64_t parameters = 0;
  int64_t items = 0;                 ///< images or tokens of a step
  bool images = true;                ///< or tokens
  std::vector<double> milliseconds;  ///< of each step: loader, forward, loss, backward, optimizer
  double operations = 0;             ///< 2 * multiply-accumulates of a step's products
  std::vector<WidthShare> widths;    ///< of these, the fewest bits first
  std::vector<profile::Event> events;
  Breakdown breakdown;  ///< of the steps recorded

  /// Gop/s of the products, of whole steps and of the time that is multiplying and adding.
  double achieved_gops() const;
  double gemm_gops() const;
  /// What one thread would reach with each width at its peak.
  double peak_gops() const;
  double median_ms() const;
  double least_ms() const;
  double most_ms() const;
};

/// Trains a model for a few steps and says where the time went. Errors as trainer::open_experiment.
StepReport run_step(const StepOptions& options);

}  // namespace fqt::bench
