#include "engine/gemm/emulated.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include "engine/check.h"
#include "engine/gemm/columns.h"
#include "engine/gemm/terms.h"
#include "engine/parallel.h"

namespace fqt::gemm {
namespace {

/// Additions into accumulators of one format.
class Adder {
 public:
  explicit Adder(const AccumulatorFormat& format)
      : saturate_(format.saturate),
        high_(format.bits == 0 ? INT64_MAX : (int64_t{1} << (format.bits - 1)) - 1),
        low_(-high_ - 1),
        mask_(2 * static_cast<uint64_t>(high_) + 1) {}

  int64_t add(int64_t accumulator, int64_t term) {
    const int64_t sum = accumulator + term;
    if (sum >= low_ && sum <= high_) return sum;
    ++overflows_;
    if (saturate_) return sum < low_ ? low_ : high_;
    return static_cast<int64_t>(static_cast<uint64_t>(sum - low_) & mask_) + low_;
  }
  void join(const Adder& other) { overflows_ += other.overflows_; }
  int64_t overflows() const { return overflows_; }

 private:
  bool saturate_;
  int64_t high_, low_;
  uint64_t mask_;
  int64_t overflows_ = 0;
};

/// Exact additions; keeps the largest magnitude of a sum.
class Gauge {
 public:
  int64_t add(int64_t accumulator, int64_t term) {
    const int64_t sum = accumulator + term;
    peak_ = std::max(peak_, sum < 0 ? -sum : sum);
    return sum;
  }
  void join(const Gauge& other) { peak_ = std::max(peak_, other.peak_); }
  int64_t peak() const { return peak_; }

 private:
  int64_t peak_ = 0;
};

template <typename Additions>
int64_t sum_terms(std::span<const int32_t> a, const int32_t* b, int64_t chunk_terms, Additions& adder) {
  const size_t chunk = chunk_terms == 0 ? a.size() : static_cast<size_t>(chunk_terms);
  int64_t total = 0;
  for (size_t first = 0; first < a.size(); first += chunk) {
    int64_t sum = 0;
    for (size_t k = first; k < std::min(first + chunk, a.size()); ++k) sum = adder.add(sum, int64_t{a[k]} * b[k]);
    total = chunk_terms == 0 ? sum : adder.add(total, sum);
  }
  return total;
}

/// Adds up every sum, calls store(row, column, sum), and joins to `adder` what its copies, one a thread, counted.
template <typename Left, typename Right, typename Additions, typename Store>
void add_up(const GatherProduct& product, const Left* left, const Right* right, const Levels& lhs, const Levels& rhs,
            int64_t chunk, Additions& adder, const Store& store) {
  const TermOffsets offsets = term_offsets(product);
  const std::vector<uint16_t> zeros = product_zeros(product, rhs);
  const size_t terms = offsets.lhs.size();
  std::vector<int32_t> columns(terms * static_cast<size_t>(product.rhs.columns));  // [column][term]
  for (size_t n = 0; n < zeros.size(); ++n)
    for (size_t k = 0; k < terms; ++k)
      columns[n * terms + k] = right[offsets.rhs[k] + static_cast<int64_t>(n) * product.rhs.column_stride] - zeros[n];
  std::mutex mutex;
  const Additions fresh = adder;
  parallel_for(product.rows(), 1, [&](int64_t begin, int64_t end) {
    Additions own = fresh;
    std::vector<int32_t> row(terms);
    for (int64_t i = begin; i < end; ++i) {
      const Left* from = left + product.lhs.rows[static_cast<size_t>(i)];
      for (size_t k = 0; k < terms; ++k) row[k] = from[offsets.lhs[k]] - lhs.zero;
      for (int64_t n = 0; n < product.rhs.columns; ++n)
        store(i, n, sum_terms(row, columns.data() + static_cast<size_t>(n) * terms, chunk, own));
    }
    const std::lock_guard lock(mutex);
    adder.join(own);
  });
}

template <typename Additions, typename Store>
void add_up(const GatherProduct& product, const Levels& lhs, const Levels& rhs, int64_t chunk, Additions& adder,
            const Store& store) {
  check(chunk >= 0, "[accumulator] a chunk of {} terms", chunk);
  std::visit([&](auto left, auto right) { add_up(product, left, right, lhs, rhs, chunk, adder, store); }, lhs.data,
             rhs.data);
}

template <typename Store>
int64_t emulate(const GatherProduct& product, const Levels& lhs, const Levels& rhs, const AccumulatorFormat& format,
                const Store& store) {
  check(format.bits == 0 || (format.bits >= 8 && format.bits <= 32),
        "[accumulator] an accumulator has 8 to 32 bits, or 0 for exact sums; got {}", format.bits);
  Adder adder(format);
  add_up(product, lhs, rhs, format.chunk, adder, store);
  return adder.overflows();
}

}  // namespace

int64_t emulated_sums(const GatherProduct& product, const Levels& lhs, const Levels& rhs,
                      const AccumulatorFormat& format, std::span<int64_t> sums) {
  return emulate(product, lhs, rhs, format, [&](int64_t row, int64_t column, int64_t sum) {
    sums[static_cast<size_t>(row * product.rhs.columns + column)] = sum;
  });
}

int64_t running_peak(const GatherProduct& product, const Levels& lhs, const Levels& rhs, int64_t chunk) {
  Gauge gauge;
  add_up(product, lhs, rhs, chunk, gauge, [](int64_t, int64_t, int64_t) {});
  return gauge.peak();
}

int64_t emulated_product(const GatherProduct& product, const Levels& lhs, const Levels& rhs,
                         const AccumulatorFormat& format, std::span<const double> scales, float* out) {
  const std::vector<double> column_scales = product_scales(product, scales);
  return emulate(product, lhs, rhs, format, [&](int64_t row, int64_t column, int64_t sum) {
    out[product.out_offset(row) + column] =
        static_cast<float>(static_cast<double>(sum) * column_scales[static_cast<size_t>(column)]);
  });
}

}  // namespace fqt::gemm
