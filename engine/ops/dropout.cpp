#include "engine/ops/dropout.h"

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "engine/ops/support.h"
#include "engine/profile.h"

namespace fqt::ops {
namespace {

constexpr int64_t kRun = 4096;  ///< words at a time, a multiple of the 8 a block of Philox gives

/// y = x with the stream's elements dropped; y may be x. The gradient draws the same words again.
void drop(const Tensor& x, int32_t threshold, const RandomKey& key, Tensor& y) {
  const kernels::KernelTable& kernel = kernels::active();
  const float scale = 65536.0f / static_cast<float>(65536 - threshold);
  parallel_for((x.size() + kRun - 1) / kRun, 4, [&](int64_t begin, int64_t end) {
    uint16_t words[kRun];
    for (int64_t run = begin; run < end; ++run) {
      const int64_t first = run * kRun, count = std::min(kRun, x.size() - first);
      kernel.codes.random_words({key.seed, key.stream}, static_cast<uint64_t>(first / 8), (count + 7) / 8, words);
      kernel.vector.keep_from(y.data() + first, x.data() + first, words, threshold, scale, count);
    }
  });
}

}  // namespace

Var dropout(Tape& tape, const Var& x, double p, const RandomKey& key) {
  const profile::Scope scope(profile::Phase::pointwise, "dropout");
  check(p >= 0 && p < 1, "[dropout] a share of {}; give at least 0 and less than 1", p);
  const int32_t threshold = std::min(static_cast<int32_t>(p * 65536 + 0.5), 65535);
  Tensor y(x.shape());
  drop(x.value(), threshold, key, y);
  return tape.record(std::move(y), {x}, [threshold, key](const Tensor& grad) {
    Tensor grad_x = over(grad);
    drop(grad, threshold, key, grad_x);
    return std::vector<Tensor>{grad_x};
  });
}

}  // namespace fqt::ops
