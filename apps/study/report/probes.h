#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

namespace fqt::study {

/// The operands of a layer. dY is that of the product that gives dX, or dW where no dX is wanted.
inline constexpr const char* kOperands[] = {"X, input", "W, weight", "dY, gradient of the output"};

/// How well operands were held: (step, site, index into kOperands) -> signal to quantization noise in dB.
using Probes = std::map<std::tuple<int64_t, std::string, size_t>, double>;

/// What a run's probes.jsonl says; empty where it has none. The mean over the calls of a step; operands in float, and
/// those that nothing is lost of, are left out. Error(data) naming the line that cannot be read.
Probes read_probes(const std::string& directory);

}  // namespace fqt::study
