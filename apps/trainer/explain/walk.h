#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "quant/plan/shape.h"
#include "quant/statistics.h"
#include "trainer/experiment.h"
#include "trainer/log.h"

namespace fqt::trainer {

class Trainer;

/// What a product multiplies into what, in symbols.
struct ProductSymbols {
  std::string_view lhs, rhs, result, formula;
};
const ProductSymbols& symbols(quant::ProductKind kind);

/// One value of an operand, and what it was rounded to.
struct OperandSample {
  float value;
  int64_t channel;  ///< whose grid it is on; 0 where there is one grid
  int code;
  double decoded;  ///< scale * (code - zero point)
};

struct OperandWalk {
  Shape shape = {};
  std::shared_ptr<const quant::OperandStatistics> statistics = {};
  bool reused = false;                      ///< the very codes of an earlier product
  std::vector<OperandSample> samples = {};  ///< spread over the range, rising; none of fp32

  const quant::OperandPrecision& precision() const { return statistics->precision; }
};

/// One element of a result, in three ways.
struct ElementWalk {
  std::string_view which;  ///< "first", "middle", "largest"
  Shape index;
  double exact = 0;                    ///< dot product of the float operands, in float64
  double decoded = 0;                  ///< the same of the decoded operands
  float computed = 0;                  ///< what the step computed
  int64_t sum = 0;                     ///< exact, of (code - zero point) * (code - zero point)
  int64_t held_sum = 0;                ///< what the accumulator was left with: another only where one is emulated
  float lhs_scale = 1, rhs_scale = 1;  ///< those of this element
  int lhs_zero_point = 0, rhs_zero_point = 0;
};

/// The codes of one term of a sum.
struct CodePair {
  int lhs, rhs;
};

struct ProductWalk {
  quant::ProductKind kind;
  ProductSymbols names = {};  ///< of the operands in the order in which they were multiplied
  quant::ProductShape shape = {};
  int64_t most_terms = 0;  ///< of a sum; less than shape.terms where a stride leaves some out
  Shape result_shape = {};
  OperandWalk lhs = {}, rhs = {};
  std::string accumulator = {};
  int64_t largest_sum = 0, accumulator_peak = 0, overflows = 0;
  bool emulated = false;
  std::vector<ElementWalk> elements = {};
  size_t spelled_out = 0;            ///< the element whose terms follow
  std::vector<CodePair> codes = {};  ///< all terms of its sum, in order; forward product on integers only
  bool is_float() const { return lhs.precision().is_float(); }
};

/// A site in one step of training. Products that were not needed are missing: the first layer has no grad_lhs.
struct SiteWalk {
  quant::SiteShape site;
  StepRecord step;
  std::vector<ProductWalk> products;
};

/// Takes the next training step of `trainer` and walks through one site of it. Error(data) where training diverges.
SiteWalk walk_site(Trainer& trainer, const Experiment& experiment, const quant::SiteShape& site);

/// Error(usage) naming what is near, where the model has no such site.
const quant::SiteShape& find_site(const Experiment& experiment, const std::string& name);

}  // namespace fqt::trainer
