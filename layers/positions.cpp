#include "layers/positions.h"

#include "engine/check.h"
#include "engine/math.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/embedding.h"

namespace fqt::layers {
namespace {

/// x [B, T, width] + positions [T, width].
Var add_positions(Tape& tape, const Var& x, const Var& positions) {
  const int64_t sequences = x.value().dim(0), values = positions.value().size();
  const Var sums =
      ops::add_bias(tape, ops::reshape(tape, x, {sequences, values}), ops::reshape(tape, positions, {values}));
  return ops::reshape(tape, sums, x.shape());
}

void check_input(const char* kind, const Var& x, int64_t width) {
  check(x.value().rank() == 3 && x.value().dim(2) == width, "[positions] {}: input has shape {}, expected [B, T, {}]",
        kind, to_string(x.shape()), width);
}

class Learned : public Module {
 public:
  Learned(const std::string& name, const PositionOptions& options) {
    weight_.name = name + ".weight";
    weight_.value = Tensor({options.length, options.width});
    weight_.standard_deviation = options.standard_deviation;
  }

  Var forward(const quant::Context& context, const Var& x) override {
    check_input("learned", x, weight_.value.dim(1));
    const int64_t steps = x.value().dim(1);
    check(steps <= weight_.value.dim(0), "[positions] {} time steps, but positions are learned for {}", steps,
          weight_.value.dim(0));
    Tensor places({steps});
    for (int64_t t = 0; t < steps; ++t) places.data()[t] = static_cast<float>(t);
    return add_positions(context.tape, x, ops::embedding(context.tape, context.tape.parameter(weight_), places));
  }

 protected:
  std::vector<Parameter*> own_parameters() override { return {&weight_}; }

 private:
  Parameter weight_;
};

class Sinusoidal : public Module {
 public:
  Sinusoidal(const std::string& /*name*/, const PositionOptions& options) : width_(options.width) {}

  Var forward(const quant::Context& context, const Var& x) override {
    check_input("sinusoidal", x, width_);
    const int64_t steps = x.value().dim(1);
    if (!values_.defined() || values_.dim(0) != steps) values_ = waves(steps, width_);
    return add_positions(context.tape, x, Var(values_));
  }

 private:
  static Tensor waves(int64_t steps, int64_t width) {
    Tensor values({steps, width});
    for (int64_t t = 0; t < steps; ++t)
      for (int64_t c = 0; c < width; ++c) {
        const double exponent = static_cast<double>(c - c % 2) / static_cast<double>(width);
        const double angle = static_cast<double>(t) * math::exp(-exponent * math::log(10000.0));
        const double turns = angle / (2 * math::detail::kPi);
        values.data()[t * width + c] = static_cast<float>(c % 2 == 0 ? math::sin_turns(turns) : math::cos_turns(turns));
      }
    return values;
  }

  int64_t width_;
  Tensor values_;
};

template <typename Kind>
std::unique_ptr<Module> make(const std::string& name, const PositionOptions& options) {
  return std::make_unique<Kind>(name, options);
}

constexpr PositionKind kPositionKinds[] = {
    {"learned", "a vector for each place, trained", make<Learned>},
    {"sinusoidal", "sines and cosines of wavelengths from 2 pi to 20000 pi (Vaswani et al. 2017)", make<Sinusoidal>},
};

}  // namespace

std::span<const PositionKind> position_kinds() { return kPositionKinds; }

std::unique_ptr<Module> make_positions(std::string_view kind, const std::string& name, const PositionOptions& options) {
  std::string known;
  for (const PositionKind& row : kPositionKinds) {
    if (row.name == kind) return row.make(name, options);
    known += fmt::format("\n  {}: {}", row.name, row.description);
  }
  fail(ErrorKind::usage, "[positions] no positions '{}'; known:{}", kind, known);
}

}  // namespace fqt::layers
