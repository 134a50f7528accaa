#include "engine/ops/loss.h"

#include <cmath>
#include <numeric>

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "engine/ops/support.h"
#include "engine/profile.h"

namespace fqt::ops {
namespace {

void check_labels(const char* name, const Tensor& logits, std::span<const int32_t> labels) {
  check(logits.rank() == 2 && logits.size() > 0, "[{}] logits have shape {}, expected [N, classes]", name,
        to_string(logits.shape()));
  check(static_cast<int64_t>(labels.size()) == logits.dim(0), "[{}] {} labels for logits of shape {}", name,
        labels.size(), to_string(logits.shape()));
  for (size_t row = 0; row < labels.size(); ++row)
    check(labels[row] >= 0 && labels[row] < logits.dim(1), "[{}] label {} of row {} is outside [0, {})", name,
          labels[row], row, logits.dim(1));
}

}  // namespace

Var cross_entropy(Tape& tape, const Var& logits, std::span<const int32_t> labels, double smoothing) {
  const profile::Scope scope(profile::Phase::loss, "cross_entropy");
  check_labels("cross_entropy", logits.value(), labels);
  check(smoothing >= 0 && smoothing < 1, "[cross_entropy] label smoothing of {}; give at least 0 and less than 1",
        smoothing);
  const int64_t rows = logits.value().dim(0), classes = logits.value().dim(1);
  Tensor softmax(logits.shape());
  std::vector<double> losses(labels.size());
  const kernels::VectorKernels& kernel = kernels::active().vector;
  parallel_for(rows, grain(classes * 8), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* const logit = logits.value().data() + row * classes;
      float* const share = softmax.data() + row * classes;
      const float largest = kernel.largest(logit, classes);  // exp of no more than 0 cannot overflow
      kernel.exp_minus(share, logit, largest, classes);
      const double total = kernel.total(share, classes);
      kernel.divide(share, total, classes);
      const size_t index = static_cast<size_t>(row);
      losses[index] = math::log(total) - (static_cast<double>(logit[labels[index]]) - largest);
      if (smoothing == 0) continue;
      const double mean = kernel.total(logit, classes) / static_cast<double>(classes);
      losses[index] += smoothing * (static_cast<double>(logit[labels[index]]) - mean);
    }
  });
  double mean = 0;
  for (const double loss : losses) mean += loss;
  mean /= static_cast<double>(rows);
  if (!std::isfinite(mean))
    fail(ErrorKind::data, "[cross_entropy] the loss is {}: the logits hold NaN or infinity. Training has diverged",
         mean);

  return tape.record(Tensor::scalar(static_cast<float>(mean)), {logits},
                     [softmax = std::move(softmax), labels = std::vector<int32_t>(labels.begin(), labels.end()),
                      smoothing](Tensor grad) mutable {
                       const int64_t rows = softmax.dim(0), classes = softmax.dim(1);
                       const float weight = grad.item() / static_cast<float>(rows);
                       const float every = static_cast<float>(smoothing / static_cast<double>(classes));
                       const float own = static_cast<float>(1 - smoothing) + every;
                       Tensor grad_logits = std::move(softmax);  // in place
                       const kernels::VectorKernels& kernel = kernels::active().vector;
                       parallel_for(rows, grain(classes), [&](int64_t begin, int64_t end) {
                         for (int64_t row = begin; row < end; ++row) {
                           float* const share = grad_logits.data() + row * classes;
                           const int32_t label = labels[static_cast<size_t>(row)];
                           const float grad_label = (share[label] - own) * weight;
                           kernel.minus_times(share, share, every, weight, classes);
                           share[label] = grad_label;
                         }
                       });
                       return std::vector<Tensor>{grad_logits};
                     });
}

int64_t count_correct(const Tensor& logits, std::span<const int32_t> labels, int64_t top) {
  check_labels("count_correct", logits, labels);
  check(top >= 1, "[count_correct] the {} largest logits; give at least 1", top);
  const int64_t classes = logits.dim(1);
  const kernels::VectorKernels& kernel = kernels::active().vector;
  std::vector<int32_t> correct(labels.size());
  parallel_for(logits.dim(0), grain(classes), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t label = labels[static_cast<size_t>(row)];
      const float* const logit = logits.data() + row * classes;
      const float own = logit[label];
      // What is not smaller stands before; NaN is not smaller than anything.
      const int64_t before =
          kernel.count_not_below(logit, own, label) + kernel.count_above(logit + label + 1, own, classes - label - 1);
      correct[static_cast<size_t>(row)] = own == own && before < top;
    }
  });
  return std::accumulate(correct.begin(), correct.end(), int64_t{0});
}

}  // namespace fqt::ops
