#include <algorithm>

#include "data/batch.h"
#include "engine/check.h"

namespace fqt::data {
namespace {

int64_t divide_up(int64_t count, int64_t by) { return (count + by - 1) / by; }

class TokenBatches : public BatchSource {
 public:
  TokenBatches(const TokenStream& stream, const LoaderOptions& options) : stream_(stream), options_(options) {
    check(options.batch >= 1, "[loader] a batch of {} rows; at least 1 is needed", options.batch);
    check(options.sequence >= 1, "[loader] {} tokens a step; at least 1 is needed", options.sequence);
    check(!options.every_token || !options.drop_last, "[loader] every token is asked for, and the last batch left out");
    const int64_t inputs = stream.size() - 1;
    row_ = inputs / options.batch;
    check(row_ >= 1, "[loader] a batch of {} rows does not fit in the {} tokens of {}", options.batch, stream.size(),
          stream.name());
    steps_ = options.drop_last ? row_ / options.sequence : divide_up(row_, options.sequence);
    check(steps_ >= 1, "[loader] rows of {} tokens hold no whole step of {}; {} has {} tokens for {} rows", row_,
          options.sequence, stream.name(), stream.size(), options.batch);
    if (options.every_token) tail_ = inputs - row_ * options.batch;
  }

  int64_t batches_per_epoch() const override { return steps_ + divide_up(tail_, options_.sequence); }

  Batch make(int64_t step) override {
    const int64_t epoch = step / batches_per_epoch(), within = step % batches_per_epoch();
    const int64_t text = stream_.endless() ? epoch * stream_.size() : 0;
    if (within < steps_) return cut(text, options_.batch, row_, within);
    return cut(text + row_ * options_.batch, 1, tail_, within - steps_);
  }

 private:
  /// Step `step` of `rows` rows of `length` inputs each that begin at token `begin`.
  Batch cut(int64_t begin, int64_t rows, int64_t length, int64_t step) const {
    const int64_t from = step * options_.sequence, count = std::min(options_.sequence, length - from);
    Batch batch{Tensor({rows, count}), {}, step == 0};
    std::vector<int32_t> tokens(static_cast<size_t>(count + 1));
    float* to = batch.inputs.data();
    for (int64_t row = 0; row < rows; ++row, to += count) {
      stream_.read(begin + row * length + from, tokens);
      std::transform(tokens.begin(), tokens.end() - 1, to, [](int32_t token) { return static_cast<float>(token); });
      batch.labels.insert(batch.labels.end(), tokens.begin() + 1, tokens.end());
    }
    return batch;
  }

  const TokenStream& stream_;
  const LoaderOptions options_;
  int64_t row_ = 0;    ///< inputs of a row
  int64_t steps_ = 0;  ///< batches of whole columns
  int64_t tail_ = 0;   ///< inputs that follow as one row
};

}  // namespace

std::unique_ptr<BatchSource> token_batches(const TokenStream& stream, const LoaderOptions& options) {
  return std::make_unique<TokenBatches>(stream, options);
}

}  // namespace fqt::data
