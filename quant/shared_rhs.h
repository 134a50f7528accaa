#pragma once

#include <utility>
#include <vector>

#include "quant/operand.h"

namespace fqt::quant {

/// What the calls of a site in one step share of a right operand that is the same for all of them, as the recurrent
/// weight of an LSTM is: its codes, and how the kernels read them, made once instead of in every call. The bits are
/// those of calls that share nothing: where rounding draws numbers, every call rounds for itself.
class SharedRhs {
 public:
  /// The operand at this precision; `quantize` makes it the first time.
  template <typename Quantize>
  Operand get(const OperandPrecision& precision, const Quantize& quantize) {
    if (!precision.is_float() && precision.rounding == Rounding::stochastic) return quantize();
    for (const auto& [how, operand] : operands_)
      if (how == precision) return operand;
    Operand operand = quantize();
    operand.panels = std::make_shared<gemm::PanelMemo>();
    return operands_.emplace_back(precision, std::move(operand)).second;
  }

 private:
  std::vector<std::pair<OperandPrecision, Operand>> operands_;
};

}  // namespace fqt::quant
