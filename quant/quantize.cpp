#include "quant/quantize.h"

#include "engine/check.h"
#include "engine/gemm/gemm.h"

namespace fqt::quant {
namespace {

gemm::PaddedImage plain_layout(int64_t rows, int64_t columns) { return {1, 1, rows, columns, 0, 0, 0, 0, columns}; }

/// lhs [M x K] * rhs [K x N], both plain. What the kernel reads past a row of lhs meets zeros of rhs.
gemm::GatherProduct matrix_product(const Quantized& lhs, const Quantized& rhs) {
  check(lhs.shape.size() == 2 && rhs.shape.size() == 2 && lhs.shape[1] == rhs.shape[0],
        "[matmul] shapes {} and {} do not multiply", to_string(lhs.shape), to_string(rhs.shape));
  const ConvGeometry geometry = ConvGeometry::matrix(lhs.shape[0], lhs.shape[1], rhs.shape[1]);
  geometry.check("matmul");
  return gemm::forward_products(geometry, plain_layout(lhs.shape[0], lhs.shape[1])).front();
}

}  // namespace

std::vector<int32_t> Quantized::codes() const {
  std::vector<int32_t> codes(static_cast<size_t>(operand.size()));
  for (size_t i = 0; i < codes.size(); ++i)
    codes[i] = operand.level(static_cast<int64_t>(i)) - operand.grids[i % operand.grids.size()].centre();
  return codes;
}

Tensor Quantized::decode() const {
  Tensor values(shape);
  for (int64_t i = 0; i < values.size(); ++i)
    values.data()[i] = operand.grids[static_cast<size_t>(i) % operand.grids.size()].value(operand.level(i));
  return values;
}

Quantized quantize(const Tensor& values, const OperandPrecision& precision, const Noise& noise) {
  check(!precision.is_float(), "[quantize] fp32 has no codes; give an integer format");
  const std::string nowhere = "quantize";
  const OperandName name{"an element", nowhere, 0};
  const int64_t channels = values.rank() > 0 ? values.dim(-1) : 1, samples = values.rank() > 1 ? values.dim(0) : 1;
  const std::vector<Range> ranges = precision.per_channel
                                        ? estimate_channel_ranges(values.values(), channels, precision, name)
                                        : std::vector{estimate_range(values.values(), samples, precision, name)};
  const int64_t rows = channels > 0 ? values.size() / channels : 0;
  return {values.shape(), precision,
          encode(values, plain_layout(rows, channels), precision, fit_grids(precision, ranges), noise)};
}

std::vector<int64_t> integer_matmul(const Quantized& lhs, const Quantized& rhs) {
  return emulated_matmul(lhs, rhs, {}).sums;
}

EmulatedSums emulated_matmul(const Quantized& lhs, const Quantized& rhs, const gemm::AccumulatorFormat& accumulator) {
  const gemm::GatherProduct product = matrix_product(lhs, rhs);
  EmulatedSums result{std::vector<int64_t>(static_cast<size_t>(lhs.shape[0] * rhs.shape[1]))};
  result.overflows = integer_sums(product, lhs.operand, rhs.operand, accumulator, result.sums);
  return result;
}

Tensor matmul(const Quantized& lhs, const Quantized& rhs) {
  const gemm::GatherProduct product = matrix_product(lhs, rhs);
  Tensor result({lhs.shape[0], rhs.shape[1]});
  multiply({&product, 1}, lhs.operand, rhs.operand, {}, result.data());
  return result;
}

}  // namespace fqt::quant
