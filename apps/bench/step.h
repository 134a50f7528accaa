#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fqt::bench {

struct StepOptions {
  std::string model = "resnet20";
  std::string plan = "U:6";
  int64_t batch = 128;
  int64_t steps = 7;  ///< measured, after one warm-up
};

/// Milliseconds of each measured training step: forward, loss, backward and optimizer update on one batch of 32x32
/// images that is already in memory, as PyTorch's side of the comparison does it.
std::vector<double> run_step(const StepOptions& options);

}  // namespace fqt::bench
