#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "engine/autograd/tape.h"
#include "quant/operand.h"
#include "quant/rhs_gradients.h"

namespace fqt::quant {

/// What the calls of a site in one step share of a right operand that is the same for all of them, as the recurrent
/// weight of an LSTM is: its codes, and how the kernels read them, made once instead of in every call; and its
/// gradient, added up over all calls at once. The bits are those of calls that share nothing: where rounding draws
/// numbers, every call rounds for itself.
class SharedRhs {
 public:
  /// The operand as calls are to use it, so that they may leave their gradients; the same for every call.
  const Var& collected(Tape& tape, const Var& rhs) {
    if (!rhs_.value().defined())
      rhs_ = tape.collect(rhs, [gradients = gradients_](Tensor grad) { return gradients->sum(std::move(grad)); });
    return rhs_;
  }

  const std::shared_ptr<RhsGradients>& gradients() const { return gradients_; }

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
  Var rhs_;
  std::shared_ptr<RhsGradients> gradients_ = std::make_shared<RhsGradients>();
  std::vector<std::pair<OperandPrecision, Operand>> operands_;
};

}  // namespace fqt::quant
