#include "quant/product.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "engine/check.h"
#include "engine/hash.h"
#include "engine/profile.h"
#include "quant/operand.h"
#include "quant/probe.h"

namespace fqt::quant {
namespace {

/// The largest |sum| before scaling; 0 for fp32.
int64_t largest_sum(std::span<const gemm::GatherProduct> products, const Operand& lhs, const Operand& rhs) {
  int64_t largest = 0;
  if (lhs.is_float()) return largest;
  for (const gemm::GatherProduct& product : products) {
    std::vector<int64_t> sums(product.lhs.rows.size() * static_cast<size_t>(product.rhs.columns));
    integer_sums(product, lhs, rhs, sums);
    for (const int64_t sum : sums) largest = std::max(largest, std::abs(sum));
  }
  return largest;
}

/// The largest |sum| on the way there.
int64_t accumulator_peak(std::span<const gemm::GatherProduct> products, const Operand& lhs, const Operand& rhs,
                         const gemm::AccumulatorFormat& accumulator) {
  int64_t peak = 0;
  if (lhs.is_float()) return peak;
  for (const gemm::GatherProduct& product : products)
    peak = std::max(peak, running_peak(product, lhs, rhs, accumulator));
  return peak;
}

/// One site in one step, as forward and backward both need it. Holds what outlives the Context.
class Step {
 public:
  Step(const Context& context, Site& site, int64_t call)
      : site_(&site),
        seed_(context.seed),
        step_(context.step),
        call_(static_cast<uint64_t>(call)),
        training_(context.training),
        probe_(context.probe && context.probe->wants(site) ? context.probe : nullptr),
        noise_(context.noise) {}

  OperandName name(const char* operand) const { return {operand, site_->name, step_}; }

  Operand quantize(NoiseOf noise, const Tensor& values, const gemm::PaddedImage& layout,
                   const OperandPrecision& precision, std::span<const Range> ranges) const {
    const profile::Scope scope(profile::Phase::quantize);
    Operand operand = encode(values, layout, precision, fit_grids(precision, ranges), noise_for(noise, precision));
    if (!probe_) return operand;
    operand.statistics = std::make_shared<OperandStatistics>(measure(values, layout, precision, operand));
    if (probe_->wants_values()) operand.values = std::make_shared<Operand>(encode(values, layout, {}, {}, {}));
    return operand;
  }

  /// Multiplies all channels of a depthwise convolution at once, unless a probe is to see each by itself or the
  /// accumulator is emulated. Returns whether it did.
  bool multiply(ProductKind kind, std::span<const gemm::DepthwiseProduct> products, const Operand& lhs,
                const Operand& rhs, const gemm::AccumulatorFormat& accumulator, Tensor& result) const {
    if (products.empty() || probe_ || accumulator.bits != 0) return false;
    const profile::Scope scope(profile::Phase::gemm, {}, kProductNames[static_cast<size_t>(kind)]);
    return multiply_depthwise(products, lhs, rhs, result.data());
  }

  /// sum += the products' result, where sums_go_together.
  void add(ProductKind kind, std::span<const gemm::GatherProduct> products, const Operand& lhs, const Operand& rhs,
           Tensor& sum) const {
    const profile::Scope scope(profile::Phase::gemm, {}, kProductNames[static_cast<size_t>(kind)]);
    add_products(products, {{lhs, rhs}}, sum.data(), true);
  }

  /// Whether products may be added to one another as they are multiplied: nobody looks at each by itself.
  bool sums_go_together(const gemm::AccumulatorFormat& accumulator) const { return !probe_ && accumulator.bits == 0; }

  /// `swapped`: lhs is what the kind of product calls its right operand, and the other way round.
  void multiply(ProductKind kind, std::span<const gemm::GatherProduct> products, const Operand& lhs, const Operand& rhs,
                const gemm::AccumulatorFormat& accumulator, Tensor& result, bool swapped = false) const {
    const profile::Scope scope(profile::Phase::gemm, {}, kProductNames[static_cast<size_t>(kind)]);
    const int64_t overflows = quant::multiply(products, lhs, rhs, accumulator, result.data());
    if (training_) site_->overflows[kind] += overflows;
    if (!probe_ || products.empty()) return;
    const gemm::GatherProduct& longest = *std::ranges::max_element(products, {}, &gemm::GatherProduct::terms);
    probe_->observe({*site_,
                     step_,
                     kind,
                     longest.terms,
                     *(swapped ? rhs : lhs).statistics,
                     *(swapped ? lhs : rhs).statistics,
                     largest_sum(products, lhs, rhs),
                     accumulator_peak(products, lhs, rhs, accumulator),
                     overflows,
                     describe_accumulator(longest, lhs, rhs, accumulator),
                     {products, lhs, rhs, accumulator, result},
                     swapped});
  }

 private:
  Noise noise_for(NoiseOf operand, const OperandPrecision& precision) const {
    if (noise_ && !precision.is_float() && precision.rounding == Rounding::stochastic)
      if (const auto words = noise_->words(*site_, operand)) return Noise(*words);
    return noise_key(operand);
  }

  /// Evaluation has words of its own: its batches are no steps of training. So has every call but the first.
  RandomKey noise_key(NoiseOf noise) const {
    const auto operand = static_cast<uint64_t>(noise);
    const uint64_t evaluation = hash_text("evaluation");
    if (training_ && call_ == 0) return random_key(seed_, {step_, site_->key, operand});
    if (training_) return random_key(seed_, {step_, site_->key, operand, hash_text("call"), call_});
    if (call_ == 0) return random_key(seed_, {step_, site_->key, operand, evaluation});
    return random_key(seed_, {step_, site_->key, operand, evaluation, call_});
  }

  Site* site_;
  uint64_t seed_, step_, call_;
  bool training_;
  Probe* probe_;
  NoiseSource* noise_;
};

/// Where an activation's values lie in evaluation and in training.
Range activation_range(const Context& context, const Tensor& running_range, const Range& batch,
                       const OperandPrecision& precision) {
  if (context.training && !precision.range->running) return batch;
  const float* running = running_range.data();
  return running[0] == 0 && running[1] == 0 ? batch : Range{running[0], running[1]};
}

// What tells one kind of product from another, beside the layouts and lists of products in engine/gemm. A geometry has:
// the layout of rhs, how the trace counts the product, and products for all channels at once if it is depthwise.

/// rhs as a plain matrix of K * N elements.
gemm::PaddedImage rhs_layout(const ConvGeometry& g) { return {1, 1, g.k(), g.n(), 0, 0, 0, 0, g.n()}; }
gemm::PaddedImage rhs_layout(const BatchGeometry& g) { return {g.count, 1, g.depth, g.columns, 0, 0, 0, 0, g.columns}; }

void trace(ShapeTrace& trace, const Site& site, const ConvGeometry& g, bool lhs_is_data) {
  trace.record(site, g, 1, lhs_is_data);
}
void trace(ShapeTrace& trace, const Site& site, const BatchGeometry& g, bool lhs_is_data) {
  trace.record(site, ConvGeometry::matrix(g.rows, g.depth, g.columns), g.count, lhs_is_data);
}

using DepthwiseProducts = std::vector<gemm::DepthwiseProduct>;

DepthwiseProducts direct_forward(const ConvGeometry& g, const gemm::PaddedImage& x) {
  return gemm::depthwise_forward(g, x);
}
DepthwiseProducts direct_forward(const BatchGeometry&, const gemm::PaddedImage&) { return {}; }

DepthwiseProducts direct_grad_lhs(const ConvGeometry& g, const gemm::PaddedImage& dy) {
  return gemm::depthwise_grad_lhs(g, dy);
}
DepthwiseProducts direct_grad_lhs(const BatchGeometry&, const gemm::PaddedImage&) { return {}; }

/// What the forward pass keeps for the gradient: codes, not floats.
template <typename Geometry>
struct Saved {
  Step step;
  Geometry geometry;
  Precision precision;
  Shape lhs_shape, rhs_shape;
  gemm::PaddedImage lhs_layout;
  Operand lhs, rhs;                      ///< as grad_rhs and grad_lhs read them
  std::shared_ptr<RhsGradients> shared;  ///< of the calls that share rhs; null: this one shares nothing
};

int64_t outputs(const gemm::GatherProduct& product) { return product.rows() * product.rhs.columns; }
int64_t outputs(const gemm::DepthwiseProduct& product) {
  return product.batch * product.rows * product.columns * product.channels;
}

/// Whether every value of a result is in one of the products, none of which overlap.
template <typename Product>
bool cover(const std::vector<Product>& products, const Shape& shape) {
  int64_t covered = 0;
  for (const Product& product : products) covered += outputs(product);
  return covered == element_count(shape);
}

/// A result for these products, 0 in the pixels that no tap reads.
template <typename Product>
Tensor result_of(const std::vector<Product>& products, const Shape& shape) {
  return cover(products, shape) ? Tensor(shape) : Tensor::zeros(shape);
}

/// Added to `sum`, where there is one and integer products can, which spares writing and reading it once more: it is
/// returned then.
template <typename Geometry>
Tensor grad_lhs(const Saved<Geometry>& saved, const Operand& dy, const gemm::PaddedImage& dy_layout, Tensor& sum) {
  const gemm::AccumulatorFormat& accumulator = saved.precision.accumulator;
  const DepthwiseProducts depthwise = direct_grad_lhs(saved.geometry, dy_layout);
  if (!depthwise.empty()) {
    Tensor dx = result_of(depthwise, saved.lhs_shape);
    if (saved.step.multiply(ProductKind::grad_lhs, depthwise, dy, saved.rhs, accumulator, dx)) return dx;
  }
  const std::vector<gemm::GatherProduct> products = gemm::grad_lhs_products(saved.geometry, dy_layout);
  if (sum.defined() && !dy.is_float() && saved.step.sums_go_together(accumulator) && cover(products, saved.lhs_shape)) {
    saved.step.add(ProductKind::grad_lhs, products, dy, saved.rhs, sum);
    return std::exchange(sum, Tensor());
  }
  Tensor dx = result_of(products, saved.lhs_shape);
  saved.step.multiply(ProductKind::grad_lhs, products, dy, saved.rhs, accumulator, dx);
  return dx;
}

Tensor grad_rhs(const Saved<BatchGeometry>& saved, const Operand& dy, const gemm::PaddedImage& dy_layout) {
  const bool swapped = saved.geometry.transposed;
  Tensor dw(saved.rhs_shape);
  saved.step.multiply(ProductKind::grad_rhs, gemm::grad_rhs_products(saved.geometry, saved.lhs_layout, dy_layout),
                      swapped ? dy : saved.lhs, swapped ? saved.lhs : dy, saved.precision.accumulator, dw, swapped);
  return dw;
}

Tensor grad_rhs(const Saved<ConvGeometry>& saved, const Operand& dy, const gemm::PaddedImage& dy_layout) {
  const ConvGeometry& g = saved.geometry;
  const gemm::AccumulatorFormat& accumulator = saved.precision.accumulator;
  Tensor dw(saved.rhs_shape);
  if (saved.step.multiply(ProductKind::grad_rhs, gemm::depthwise_grad_rhs(g, saved.lhs_layout, dy_layout), saved.lhs,
                          dy, accumulator, dw))
    return dw;
  if (!gemm::reads_planar(g)) {
    saved.step.multiply(ProductKind::grad_rhs, gemm::grad_rhs_products(g, saved.lhs_layout, dy_layout), saved.lhs, dy,
                        accumulator, dw);
    return dw;
  }
  const gemm::PlanarImage planar{saved.lhs_layout, g.stride};
  const int group = channel_group(saved.precision.products[ProductKind::grad_rhs].rhs);
  saved.step.multiply(ProductKind::grad_rhs, gemm::grad_rhs_products(g, planar, dy_layout, group),
                      to_planar(saved.lhs, planar), dy, accumulator, dw);
  return dw;
}

/// Leaves grad_rhs to the sum over the calls that share rhs, where nobody looks at each by itself. Returns whether it
/// did.
bool leave(const Saved<BatchGeometry>&, const Operand&, const gemm::PaddedImage&) { return false; }
bool leave(const Saved<ConvGeometry>& saved, const Operand& dy, const gemm::PaddedImage& dy_layout) {
  return saved.shared && saved.step.sums_go_together(saved.precision.accumulator) &&
         saved.shared->leave(saved.geometry, saved.rhs_shape, saved.lhs, saved.lhs_layout, dy, dy_layout);
}

/// Quantizes dY, once or for each product apart, and multiplies. May add to `sum`; see AddingGradFn.
template <typename Geometry>
std::vector<Tensor> gradients(const Saved<Geometry>& saved, Tensor grad, bool wants_lhs, bool wants_rhs, Tensor& sum) {
  const OperandPrecision& for_lhs = saved.precision.products[ProductKind::grad_lhs].lhs;
  const OperandPrecision& for_rhs = saved.precision.products[ProductKind::grad_rhs].rhs;
  const gemm::PaddedImage layout = gemm::gradient_image(saved.geometry, channel_group(for_lhs));
  const auto quantize = [&](NoiseOf noise, const OperandPrecision& operand) {
    const Range range = estimate_range(grad, grad.dim(0), operand, saved.step.name("the gradient"));
    return saved.step.quantize(noise, grad, layout, operand, {&range, 1});
  };
  const bool twice = for_lhs != for_rhs;
  Operand dy, dy_again;
  if (wants_lhs || !twice) dy = quantize(NoiseOf::grad, for_lhs);
  if (wants_rhs && twice) dy_again = quantize(NoiseOf::grad_again, for_rhs);
  grad = Tensor();
  Tensor dx = wants_lhs ? grad_lhs(saved, dy, layout, sum) : Tensor();
  const Operand& dy_for_rhs = twice ? dy_again : dy;
  if (!wants_rhs || leave(saved, dy_for_rhs, layout)) return {std::move(dx), Tensor()};
  return {std::move(dx), grad_rhs(saved, dy_for_rhs, layout)};
}

template <typename Geometry>
Var traced(const Context& context, const Site& site, const Var& lhs, const Var& rhs, const Geometry& geometry,
           Shape shape) {
  trace(*context.trace, site, geometry, !lhs.needs_grad());
  return context.tape.record(Tensor::zeros(std::move(shape)), {lhs, rhs}, nullptr);
}

void check_shapes(const Site& site, const Tensor& lhs, const Tensor& rhs, const ConvGeometry& g) {
  g.check(site.name.c_str());
  check(lhs.size() == g.batch * g.height * g.width * g.in_channels && lhs.rank() >= 2 && lhs.dim(-1) == g.in_channels,
        "[product] site '{}': lhs has shape {}, expected {} images of {}x{}x{}", site.name, to_string(lhs.shape()),
        g.batch, g.height, g.width, g.in_channels);
  check(rhs.size() == g.k() * g.n() && rhs.dim(-1) == g.n(),
        "[product] site '{}': rhs has shape {}, expected {}x{} values", site.name, to_string(rhs.shape()), g.k(),
        g.n());
}

/// A product of operands whose shapes fit the geometry; the result has `shape`.
template <typename Geometry>
Var multiply(const Context& context, Site& site, const Var& lhs, const Var& rhs, const Geometry& g, Shape shape,
             const Precision& precision, int64_t call, SharedRhs* shared = nullptr) {
  const profile::Scope scope(profile::Phase::other, site.name, "forward");
  check(precision.is_uniform(), "[product] site '{}': the operands must be all integers or all fp32", site.name);
  const Tensor &x = lhs.value(), &w = rhs.value();
  Tensor y(std::move(shape));
  const Step step(context, site, call);
  const auto& [how_x, how_w] = precision.products[ProductKind::forward];
  Saved<Geometry> saved{step,      g,         precision,
                        x.shape(), w.shape(), gemm::forward_image(g, channel_group(how_x)),
                        {},        {},        shared ? shared->gradients() : nullptr};
  const auto quantize_x = [&](NoiseOf noise, const OperandPrecision& how, const Range& batch) {
    const Range range = activation_range(context, site.lhs_range, batch, how);
    return step.quantize(noise, x, saved.lhs_layout, how, {&range, 1});
  };
  const gemm::PaddedImage w_layout = rhs_layout(g);
  const auto quantize_own = [&](NoiseOf noise, const OperandPrecision& how) {
    std::vector<Range> ranges =
        how.per_channel
            ? estimate_channel_ranges(w.values(), w_layout.channels, how, step.name("rhs"))
            : std::vector{estimate_range(w, site.rhs_is_activation() ? w.dim(0) : 1, how, step.name("rhs"))};
    if (site.rhs_is_activation()) {
      if (context.training && noise == NoiseOf::rhs) update_running(site.rhs_range, ranges[0], context.range_momentum);
      ranges[0] = activation_range(context, site.rhs_range, ranges[0], how);
    }
    return step.quantize(noise, w, w_layout, how, ranges);
  };
  const auto quantize_w = [&](NoiseOf noise, const OperandPrecision& how) {
    return shared ? shared->get(how, [&] { return quantize_own(noise, how); }) : quantize_own(noise, how);
  };
  const Range batch = estimate_range(x, x.dim(0), how_x, step.name("lhs"));
  if (context.training) update_running(site.lhs_range, batch, context.range_momentum);
  saved.lhs = quantize_x(NoiseOf::lhs, how_x, batch);
  saved.rhs = quantize_w(NoiseOf::rhs, how_w);
  if (!step.multiply(ProductKind::forward, direct_forward(g, saved.lhs_layout), saved.lhs, saved.rhs,
                     precision.accumulator, y))
    step.multiply(ProductKind::forward, gemm::forward_products(g, saved.lhs_layout), saved.lhs, saved.rhs,
                  precision.accumulator, y);

  // The backward products reuse these codes where they ask for the same.
  const bool wants_lhs = lhs.needs_grad(), wants_rhs = rhs.needs_grad();
  const OperandPrecision& backward_x = precision.products[ProductKind::grad_rhs].lhs;
  const OperandPrecision& backward_w = precision.products[ProductKind::grad_lhs].rhs;
  if (wants_rhs && backward_x != how_x)
    saved.lhs = quantize_x(NoiseOf::lhs_again, backward_x, estimate_range(x, x.dim(0), backward_x, step.name("lhs")));
  if (wants_lhs && backward_w != how_w) saved.rhs = quantize_w(NoiseOf::rhs_again, backward_w);
  const Var& used = shared ? shared->collected(context.tape, rhs) : rhs;
  return context.tape.record_adding(std::move(y), {lhs, used},
                                    [saved = std::move(saved), wants_lhs, wants_rhs](Tensor grad, Tensor& sum) {
                                      return gradients(saved, std::move(grad), wants_lhs, wants_rhs, sum);
                                    });
}

}  // namespace

Var product(const Context& context, Site& site, const Var& lhs, const Var& rhs, const ConvGeometry& g, int64_t call,
            SharedRhs* shared) {
  check_shapes(site, lhs.value(), rhs.value(), g);
  Shape shape = lhs.value().rank() == 2 ? Shape{g.m(), g.n()} : Shape{g.batch, g.out_height(), g.out_width(), g.n()};
  if (context.trace) return traced(context, site, lhs, rhs, g, std::move(shape));
  return multiply(context, site, lhs, rhs, g, std::move(shape), context.precision.at(site.name), call, shared);
}

Var batched_product(const Context& context, Site& site, const Var& lhs, const Var& rhs, Transposed transposed) {
  const Tensor &x = lhs.value(), &w = rhs.value();
  const bool swap = transposed == Transposed::yes;
  check(x.rank() == 3 && w.rank() == 3 && x.dim(0) == w.dim(0) && x.dim(2) == w.dim(swap ? 2 : 1),
        "[batched_product] site '{}': shapes {} and {}{} do not multiply", site.name, to_string(x.shape()),
        to_string(w.shape()), swap ? ", transposed," : "");
  const BatchGeometry g{x.dim(0), x.dim(1), x.dim(2), w.dim(swap ? 1 : 2), swap};
  g.check(site.name.c_str());
  Shape shape{g.count, g.rows, g.columns};
  if (context.trace) return traced(context, site, lhs, rhs, g, std::move(shape));
  Precision precision = context.precision.at(site.name);
  for (const ProductKind kind : {ProductKind::forward, ProductKind::grad_lhs})
    precision.products[kind].rhs.per_channel = false;
  return multiply(context, site, lhs, rhs, g, std::move(shape), precision, 0);
}

Var matmul(const Context& context, Site& site, const Var& lhs, const Var& rhs, int64_t call, SharedRhs* shared) {
  check(lhs.value().rank() == 2 && rhs.value().rank() == 2 && lhs.value().dim(1) == rhs.value().dim(0),
        "[matmul] site '{}': shapes {} and {} do not multiply", site.name, to_string(lhs.shape()),
        to_string(rhs.shape()));
  return product(context, site, lhs, rhs,
                 ConvGeometry::matrix(lhs.value().dim(0), lhs.value().dim(1), rhs.value().dim(1)), call, shared);
}

}  // namespace fqt::quant
