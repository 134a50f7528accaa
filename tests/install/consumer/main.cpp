#include <cstdio>
#include <vector>

#include "quant/product.h"

// (21, 63) times (63, 42): on 6 bits both ranges, widened to hold 0, are 63 steps of 1, so the product is exact.
int main() {
  fqt::quant::PrecisionTable precision;
  precision.set("demo", fqt::quant::Recipe{}.precision(6));
  fqt::quant::Site site("demo");
  fqt::Tape tape;
  const fqt::quant::Context context{.tape = tape, .precision = precision};

  const fqt::Var row(fqt::Tensor({1, 2}, std::vector<float>{21, 63}));
  const fqt::Var column(fqt::Tensor({2, 1}, std::vector<float>{63, 42}));
  const float product = fqt::quant::matmul(context, site, row, column).value().item();
  std::printf("installed fqt computes: 21*63 + 63*42 = %g\n", static_cast<double>(product));
  return product == 3969 ? 0 : 1;
}
