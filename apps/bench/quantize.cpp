#include "bench/quantize.h"

#include <cstring>
#include <functional>

#include "bench/clock.h"
#include "quant/operand.h"

namespace fqt::bench {
namespace {

constexpr quant::Rounding kRoundings[] = {quant::Rounding::nearest, quant::Rounding::nearest_away,
                                          quant::Rounding::toward_zero, quant::Rounding::stochastic};

struct Task {
  QuantizeRow row;
  std::function<void()> run;
  std::vector<double> seconds;
};

}  // namespace

std::vector<QuantizeRow> run_quantize(int64_t count, int repeats) {
  using namespace quant;
  Tensor values({count});
  fill_normal({1, 1}, 1.0f, values.values());
  const gemm::PaddedImage layout{1, 1, count, 1, 0, 0, 0, 0, 1};
  const std::string site = "bench";
  const Range range = extremes(values.values(), {"values", site, 0});

  std::vector<Task> tasks;
  Buffer<float> copy(count);
  tasks.push_back({{"copy"}, [&] { std::memcpy(copy.data(), values.data(), sizeof(float) * copy.size()); }, {}});
  tasks.push_back({{"extremes"}, [&] { extremes(values.values(), {"values", site, 0}); }, {}});
  for (const int bits : {8, 16})
    for (const Rounding rounding : kRoundings) {
      const OperandPrecision precision{&find_format("affine"), bits, rounding};
      tasks.push_back({{std::string(rounding_name(rounding)), bits},
                       [&, precision] {
                         encode(values, layout, precision, fit_grids(precision, {&range, 1}), RandomKey{1, 2});
                       },
                       {}});
    }
  for (int i = 0; i <= repeats; ++i)
    for (Task& task : tasks) {
      const double start = now();
      task.run();
      if (i > 0) task.seconds.push_back(now() - start);  // the first is a warm-up
    }
  std::vector<QuantizeRow> rows;
  for (Task& task : tasks) {
    task.row.gbps = 4e-9 * static_cast<double>(count) / median(task.seconds);
    rows.push_back(task.row);
    rows.back().of_copy = rows.back().gbps / rows.front().gbps;
  }
  return rows;
}

}  // namespace fqt::bench
