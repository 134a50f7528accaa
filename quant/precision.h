#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "quant/formats/format.h"

namespace fqt::quant {

enum class Rounding { nearest, stochastic };
/// Error(usage) for an unknown name.
Rounding parse_rounding(std::string_view name);
std::string_view rounding_name(Rounding rounding);

/// How one operand of a product is turned into levels.
struct OperandPrecision {
  const Format* format = nullptr;  ///< a row of formats()
  int bits = 32;
  Rounding rounding = Rounding::nearest;

  bool is_float() const { return format == nullptr || format->is_float(); }
};

/// The operands of a site's three products: forward lhs*rhs, grad_lhs grad*rhs^T, grad_rhs lhs^T*grad. All are integers
/// or all are float.
struct Precision {
  OperandPrecision lhs, rhs, grad;
  bool is_float() const { return lhs.is_float() && rhs.is_float() && grad.is_float(); }
};

/// The switches of a recipe: how bits become a Precision. The default is the recipe `paper` of docs/architecture.md.
struct Recipe {
  std::string name = "paper";
  std::string lhs_format = "affine", rhs_format = "affine", grad_format = "affine";
  Rounding lhs_rounding = Rounding::nearest, rhs_rounding = Rounding::nearest, grad_rounding = Rounding::stochastic;
  bool quantize_first = true;   ///< the model's first product
  bool quantize_head = false;   ///< the classifier head of a CNN
  double range_momentum = 0.9;  ///< running range of lhs, for evaluation

  Precision precision(int bits) const;
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
