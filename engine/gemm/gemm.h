#pragma once

#include <cstdint>
#include <span>
#include <variant>

#include "engine/gemm/accumulator.h"
#include "engine/gemm/gather.h"

namespace fqt::gemm {

class PanelMemo;

/// Levels of one operand of an integer product: level i of 0 .. max_level stands for i - zero, times a scale the
/// product does not see. Levels of at most 8 bits are bytes, of 9 to 16 bits words; the two operands of a product may
/// differ.
struct Levels {
  std::variant<const uint8_t*, const uint16_t*> data;
  int zero;
  int max_level;
  /// Right operand only: the zero level of each column of the result, in place of `zero` where not empty. A product
  /// that gives some columns of the result (a group of a convolution) looks up its own, from product.first_column on.
  std::span<const int32_t> column_zeros = {};
  PanelMemo* panels = nullptr;  ///< right operand only: keeps what it is packed to, where several products read it
};

/// sums[i][n] = sum over the terms of (lhs - lhs.zero) * (rhs - rhs.zero), exactly; row-major, product.rhs.columns to a
/// row, wherever the product's results go. The specification for tests and the way to look at sums; training takes the
/// one below.
void integer_sums(const GatherProduct& product, const Levels& lhs, const Levels& rhs, std::span<int64_t> sums);

/// out row i, column n = float32(float64(sum) * scale), with the same sums: `scales` holds one scale, or one for each
/// column of the result, looked up like column_zeros. Results go where the product says. A sum is exact; one beyond
/// 2^53 is rounded to the nearest float64, halves to even, before it is scaled. How sums are held (int32, runs of int32
/// added in int64, ...) is proven by plan_accumulator, in accumulator.h.
void integer_product(const GatherProduct& product, const Levels& lhs, const Levels& rhs, std::span<const double> scales,
                     float* out);

/// The operands of one of several products that read and write at the same places.
struct ProductOperands {
  Levels lhs, rhs;
  std::span<const double> scales;  ///< as of integer_product
};

/// out = what integer_product gives for the first, plus what it gives for the second, and so on, in float32; where
/// `add`, the first is added to what is there. The bits are those of whole results added one after another.
void add_integer_products(const GatherProduct& product, std::span<const ProductOperands> operands, float* out,
                          bool add);

/// How these hold their sums.
Accumulator product_accumulator(const GatherProduct& product, const Levels& lhs, const Levels& rhs);

/// The same in float32: every output is one chain of fused multiply-adds from 0, in rising order of the terms.
/// `panels`: as Levels::panels, of rhs.
void float_product(const GatherProduct& product, const float* lhs, const float* rhs, float* out,
                   PanelMemo* panels = nullptr);

}  // namespace fqt::gemm
