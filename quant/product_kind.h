#pragma once

#include <array>
#include <string_view>

namespace fqt::quant {

/// The three matrix products of a site: Y = X W, dX = dY W^T, dW = X^T dY. Each has a left and a right operand, in the
/// order written.
enum class ProductKind { forward, grad_lhs, grad_rhs };

inline constexpr std::array<ProductKind, 3> kProducts{ProductKind::forward, ProductKind::grad_lhs,
                                                      ProductKind::grad_rhs};
inline constexpr std::array<std::string_view, 3> kProductNames{"forward", "grad_lhs", "grad_rhs"};

/// One of something for each product.
template <typename T>
struct ByProduct : std::array<T, 3> {
  using std::array<T, 3>::operator[];
  T& operator[](ProductKind kind) { return std::array<T, 3>::operator[](static_cast<size_t>(kind)); }
  const T& operator[](ProductKind kind) const { return std::array<T, 3>::operator[](static_cast<size_t>(kind)); }
  bool operator==(const ByProduct&) const = default;
};

}  // namespace fqt::quant
