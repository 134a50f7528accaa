#include "layers/dropout.h"

#include "engine/check.h"
#include "engine/hash.h"
#include "engine/ops/dropout.h"

namespace fqt::layers {

Dropout::Dropout(const std::string& name, double p) : key_(hash_text(name)), p_(p) {
  check(p >= 0 && p < 1, "[dropout] '{}' shall drop a share of {}; give at least 0 and less than 1", name, p);
}

Var Dropout::forward(const quant::Context& context, const Var& x) {
  if (!context.training || p_ == 0) return x;
  return ops::dropout(context.tape, x, p_, random_key(context.seed, {hash_text("dropout"), context.step, key_}));
}

}  // namespace fqt::layers
