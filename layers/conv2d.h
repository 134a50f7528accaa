#pragma once

#include "layers/module.h"

namespace fqt::layers {

struct Conv2dOptions {
  int64_t in_channels = 1, out_channels = 1;
  int64_t kernel = 3, stride = 1, padding = 0;
  int64_t groups = 1;  ///< in_channels: a depthwise convolution
  quant::SiteRole role = quant::SiteRole::body;
  int block = 0;  ///< as quant::Site::block
};

/// Convolution without bias of [N, H, W, C_in] -> [N, H', W', C_out]. Weight `name.weight` is
/// [kernel, kernel, C_in / groups, C_out] and starts at N(0, sqrt(2 / (kernel^2 C_out))) (He et al. 2015, fan out).
class Conv2d : public Module {
 public:
  Conv2d(const std::string& name, const Conv2dOptions& options);
  Var forward(const quant::Context& context, const Var& x) override;

 protected:
  std::vector<Parameter*> own_parameters() override { return {&weight_}; }
  std::vector<NamedBuffer> own_buffers() override { return {{site_.name + ".lhs_range", &site_.lhs_range}}; }
  std::vector<quant::Site*> own_sites() override { return {&site_}; }

 private:
  Conv2dOptions options_;
  quant::Site site_;
  Parameter weight_;
};

}  // namespace fqt::layers
