#pragma once

#include "layers/module.h"

namespace fqt::layers {

struct LinearOptions {
  int64_t in_features = 1, out_features = 1;
  bool bias = true;
  quant::SiteRole role = quant::SiteRole::body;
  int block = 0;                  ///< see quant::Site
  double standard_deviation = 0;  ///< the weight's at the start; 0: sqrt(2 / (in * out))
  double uniform = 0;             ///< where not 0, the weight starts uniform in [-uniform, uniform) instead
};

/// y = x W + b: [N, in] -> [N, out]. `name.weight` is [in, out] and starts at random, `name.bias` at 0.
class Linear : public Module {
 public:
  Linear(const std::string& name, const LinearOptions& options);
  Var forward(const quant::Context& context, const Var& x) override;

 protected:
  std::vector<Parameter*> own_parameters() override;
  std::vector<NamedBuffer> own_buffers() override { return {{site_.name + ".lhs_range", &site_.lhs_range}}; }
  std::vector<quant::Site*> own_sites() override { return {&site_}; }

 private:
  LinearOptions options_;
  quant::Site site_;
  Parameter weight_, bias_;
};

}  // namespace fqt::layers
