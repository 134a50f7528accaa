#include "engine/gemm/columns.h"

#include <algorithm>

#include "engine/check.h"
#include "engine/kernels/gemm.h"

namespace fqt::gemm {
namespace {

/// The part of `all`, which has a value for every column of the result, that belongs to the product's columns.
template <typename T>
std::span<const T> own(const GatherProduct& product, std::span<const T> all, const char* what) {
  const size_t first = static_cast<size_t>(product.first_column), count = static_cast<size_t>(product.rhs.columns);
  check(all.size() >= first + count, "[gemm] {} {} for a product of columns {} to {}", all.size(), what, first,
        first + count);
  return all.subspan(first, count);
}

}  // namespace

std::vector<uint16_t> product_zeros(const GatherProduct& product, const Levels& rhs) {
  if (rhs.column_zeros.empty())
    return std::vector<uint16_t>(static_cast<size_t>(product.rhs.columns), static_cast<uint16_t>(rhs.zero));
  const auto zeros = own(product, rhs.column_zeros, "zero levels");
  return std::vector<uint16_t>(zeros.begin(), zeros.end());
}

std::vector<double> product_scales(const GatherProduct& product, std::span<const double> scales) {
  const size_t padded = static_cast<size_t>(product.rhs.columns) + kernels::kPanelColumns;
  if (scales.size() == 1) return std::vector<double>(padded, scales[0]);
  std::vector<double> result(padded, 0.0);
  std::ranges::copy(own(product, scales, "scales"), result.begin());
  return result;
}

}  // namespace fqt::gemm
