#pragma once

#include "engine/ops/lstm.h"
#include "layers/module.h"

namespace fqt::layers {

struct LstmOptions {
  int64_t inputs = 1, hidden = 1;
  int block = 0;  ///< see quant::Site
};

/// One layer of an LSTM: [B, T, inputs] -> [B, T, hidden]. `name.weight_ih` [inputs, 4 hidden], `name.weight_hh`
/// [hidden, 4 hidden] and `name.bias` [4 hidden], gates in the order i, f, g, o; PyTorch's transposed, and the sum of
/// its two biases. All start uniform in +-1 / sqrt(hidden), as PyTorch's.
///
/// Two sites: `name.input` multiplies all time steps at once, `name.hidden` one after another, each call with random
/// numbers of its own. Its weight is quantized, and its gradient summed, call by call.
///
/// The state after the last time step is where the next batch goes on, training and evaluation each with its own; no
/// gradient passes from one batch to another. It starts from zeros where nothing has been seen, where the batch has
/// another size, and with the first batch of an evaluation (step 0).
class Lstm : public Module {
 public:
  Lstm(const std::string& name, const LstmOptions& options);
  Var forward(const quant::Context& context, const Var& x) override;

 protected:
  std::vector<Parameter*> own_parameters() override { return {&weight_ih_, &weight_hh_, &bias_}; }
  std::vector<NamedBuffer> own_buffers() override;
  /// Of training: `name.hidden` and `name.cell`, [B, hidden].
  std::vector<NamedBuffer> own_states() override;
  std::vector<quant::Site*> own_sites() override { return {&input_, &hidden_}; }

 private:
  struct State {
    Tensor hidden, cell;
  };
  ops::LstmState start(const quant::Context& context, int64_t sequences) const;

  std::string name_;
  LstmOptions options_;
  quant::Site input_, hidden_;
  Parameter weight_ih_, weight_hh_, bias_;
  State training_, evaluation_;
};

}  // namespace fqt::layers
