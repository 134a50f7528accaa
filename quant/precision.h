#pragma once

#include <map>
#include <string>

#include "engine/gemm/emulated.h"
#include "quant/formats/format.h"
#include "quant/ranges/estimator.h"
#include "quant/rounding.h"
#include "quant/site_bits.h"

namespace fqt::quant {

/// How one operand of a product is turned into levels.
struct OperandPrecision {
  const Format* format = nullptr;  ///< a row of formats()
  int bits = 32;
  Rounding rounding = Rounding::nearest;
  const RangeEstimator* range = &range_estimators().front();  ///< a row of range_estimators()
  double percentile = 99.9;                                   ///< of the range of that name
  bool per_channel = false;                                   ///< a grid for each channel, the last axis

  bool is_float() const { return format == nullptr || format->is_float(); }
  bool operator==(const OperandPrecision&) const = default;
};

/// The operands of one product.
struct ProductPrecision {
  OperandPrecision lhs, rhs;
};

/// How a site's three products run. All operands are integers or all are float. Codes of X, W and dY are made once
/// where two products ask for the same, and twice where they differ.
struct Precision {
  ByProduct<ProductPrecision> products{};
  /// Of all three products; exact unless an emulation is asked for.
  gemm::AccumulatorFormat accumulator = {};

  bool is_float() const;
  /// Every operand is an integer, or every one float.
  bool is_uniform() const;
};

/// How one of a site's operands is quantized, beside its bits.
struct OperandRecipe {
  std::string format = "affine";
  Rounding rounding = Rounding::nearest;
  std::string range = "extremes";
};

/// The switches of a recipe: how bits become a Precision. The defaults are the recipe `paper` of docs/architecture.md.
struct Recipe {
  OperandRecipe lhs, rhs, grad{"affine", Rounding::stochastic, "extremes"};
  bool rhs_per_channel = false;               ///< a grid for each output channel of the weights
  double percentile = 99.9;                   ///< of ranges of that name
  double range_momentum = 0.9;                ///< running range of lhs
  int64_t grad_bits = 0;                      ///< of the gradient; 0: as planned
  int64_t grad_rhs_bits = 0;                  ///< of a second copy of the gradient, for grad_rhs; 0: none
  bool quantize_first = true;                 ///< the model's first product
  bool quantize_head = false;                 ///< the classifier head of a CNN
  int64_t accumulator_bits = 0;               ///< 0: exact
  std::string accumulator_overflow = "wrap";  ///< or "saturate"
  int64_t accumulator_chunk = 0;              ///< terms added in an accumulator of their own; 0: all in order

  /// Error(usage) for switches that do not go together and for widths that are none.
  Precision precision(const SiteBits& bits) const;
  /// The same width for every operand.
  Precision precision(int bits) const { return precision(SiteBits::uniform("", bits)); }
};

/// Precision by site name: the table beside the model that says which products run on how many bits.
class PrecisionTable {
 public:
  void set(const std::string& site, Precision precision) { rows_[site] = precision; }
  /// Error(internal) for a site the table was not made for.
  const Precision& at(const std::string& site) const;
  const std::map<std::string, Precision>& rows() const { return rows_; }

 private:
  std::map<std::string, Precision> rows_;
};

}  // namespace fqt::quant
