#include "quant/product.h"

#include <algorithm>

#include "engine/check.h"
#include "quant/operand.h"

namespace fqt::quant {
namespace {

/// Names the random numbers of one operand of one site at one step.
RandomKey noise_key(const Context& context, const Site& site, uint64_t operand) {
  return random_key(context.seed, {context.step, site.key, operand});
}

/// Where lhs's values lie in evaluation and in training; training updates the running range.
Range lhs_range(const Context& context, Site& site, const Tensor& lhs) {
  const Range batch = extremes(lhs.values(), "lhs", site.name, context.step);
  if (context.training) {
    update_running(site.lhs_range, batch, context.range_momentum);
    return batch;
  }
  const float* running = site.lhs_range.data();
  return running[0] == 0 && running[1] == 0 ? batch : Range{running[0], running[1]};
}

/// A weight as an operand: a plain matrix of K * N elements.
gemm::PaddedImage matrix_layout(const ConvGeometry& g) { return {1, 1, g.k(), g.n(), 0, 0, 0, 0, g.n()}; }

/// What the forward pass keeps for the gradient: codes, not floats.
struct Saved {
  ConvGeometry geometry;
  Shape lhs_shape, rhs_shape;
  gemm::PaddedImage lhs_layout;
  Operand lhs, rhs;
  OperandPrecision grad;
};

Tensor grad_lhs(const Saved& saved, const Operand& dy, const gemm::PaddedImage& dy_layout) {
  const std::vector<gemm::GatherProduct> products = gemm::grad_lhs_products(saved.geometry, dy_layout);
  Tensor dx(saved.lhs_shape);
  int64_t covered = 0;
  for (const gemm::GatherProduct& product : products) covered += product.rows() * product.rhs.columns;
  if (covered < dx.size()) std::fill_n(dx.data(), dx.size(), 0.0f);  // pixels that no tap reads
  for (const gemm::GatherProduct& product : products) multiply(product, dy, saved.rhs, dx.data());
  return dx;
}

Tensor grad_rhs(const Saved& saved, const Operand& dy, const gemm::PaddedImage& dy_layout) {
  const gemm::PlanarImage planar{saved.lhs_layout, saved.geometry.stride};
  Tensor dw(saved.rhs_shape);
  const Operand x = to_planar(saved.lhs, planar);
  for (const gemm::GatherProduct& product :
       gemm::grad_rhs_products(saved.geometry, planar, dy_layout, channel_group(saved.grad)))
    multiply(product, x, dy, dw.data());
  return dw;
}

}  // namespace

Var product(const Context& context, Site& site, const Var& lhs, const Var& rhs, const ConvGeometry& g) {
  g.check(site.name.c_str());
  const int64_t lhs_size = g.batch * g.height * g.width * g.in_channels;
  check(lhs.value().size() == lhs_size && lhs.value().rank() >= 2 && lhs.value().dim(-1) == g.in_channels,
        "[product] site '{}': lhs has shape {}, expected {} images of {}x{}x{}", site.name, to_string(lhs.shape()),
        g.batch, g.height, g.width, g.in_channels);
  check(rhs.value().size() == g.k() * g.n() && rhs.value().dim(-1) == g.n(),
        "[product] site '{}': rhs has shape {}, expected {}x{} values", site.name, to_string(rhs.shape()), g.k(),
        g.n());
  const Precision& precision = context.precision.at(site.name);
  check(precision.lhs.is_float() == precision.rhs.is_float() && precision.lhs.is_float() == precision.grad.is_float(),
        "[product] site '{}': the three operands must be all integers or all fp32", site.name);

  Saved saved{g,  lhs.shape(), rhs.shape(),   gemm::forward_image(g, channel_group(precision.lhs)),
              {}, {},          precision.grad};
  const Grid lhs_grid = fit_grid(precision.lhs, lhs_range(context, site, lhs.value()));
  const Grid rhs_grid = fit_grid(precision.rhs, extremes(rhs.value().values(), "rhs", site.name, context.step));
  saved.lhs = encode(lhs.value(), saved.lhs_layout, precision.lhs, lhs_grid, noise_key(context, site, 0));
  saved.rhs = encode(rhs.value(), matrix_layout(g), precision.rhs, rhs_grid, noise_key(context, site, 1));

  Tensor y(lhs.value().rank() == 2 ? Shape{g.m(), g.n()} : Shape{g.batch, g.out_height(), g.out_width(), g.n()});
  for (const gemm::GatherProduct& product : gemm::forward_products(g, saved.lhs_layout))
    multiply(product, saved.lhs, saved.rhs, y.data());

  return context.tape.record(
      std::move(y), {lhs, rhs},
      [saved = std::move(saved), noise = noise_key(context, site, 2), step = context.step, name = site.name,
       wants_lhs = lhs.needs_grad(), wants_rhs = rhs.needs_grad()](Tensor grad) -> std::vector<Tensor> {
        const gemm::PaddedImage layout = gemm::gradient_image(saved.geometry, channel_group(saved.grad));
        const Grid grid = fit_grid(saved.grad, extremes(grad.values(), "the gradient", name, step));
        const Operand dy = encode(grad, layout, saved.grad, grid, noise);
        grad = Tensor();
        Tensor dx = wants_lhs ? grad_lhs(saved, dy, layout) : Tensor();
        return {std::move(dx), wants_rhs ? grad_rhs(saved, dy, layout) : Tensor()};
      });
}

Var matmul(const Context& context, Site& site, const Var& lhs, const Var& rhs) {
  check(lhs.value().rank() == 2 && rhs.value().rank() == 2 && lhs.value().dim(1) == rhs.value().dim(0),
        "[matmul] site '{}': shapes {} and {} do not multiply", site.name, to_string(lhs.shape()),
        to_string(rhs.shape()));
  return product(context, site, lhs, rhs,
                 ConvGeometry::matrix(lhs.value().dim(0), lhs.value().dim(1), rhs.value().dim(1)));
}

}  // namespace fqt::quant
