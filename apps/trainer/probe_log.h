#pragma once

#include <string>

#include "quant/probe.h"
#include "trainer/json_lines.h"

namespace fqt::trainer {

/// probes.jsonl: one JSON object for each product of each site in a step that is measured; docs/quantization.md has the
/// keys.
class ProbeLog : public quant::Probe {
 public:
  /// Error(io) where the file cannot be written.
  explicit ProbeLog(const std::string& path) : lines_(path) {}
  void observe(const quant::Observation& observation) override;
  void sync() { lines_.sync(); }
  int64_t bytes() const { return lines_.bytes(); }

 private:
  JsonLines lines_;
};

}  // namespace fqt::trainer
