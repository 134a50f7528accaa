#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "layers/conv2d.h"
#include "layers/linear.h"
#include "layers/norm.h"
#include "models/zoo.h"

namespace fqt::models {

/// Of a square kernel that keeps the resolution at stride 1.
layers::Conv2dOptions convolution(int64_t in_channels, int64_t out_channels, int64_t kernel, int64_t stride);
/// The first convolution of an image model.
layers::Conv2dOptions stem_convolution(const ModelOptions& model, int64_t out_channels, int64_t kernel, int64_t stride,
                                       quant::SiteRole role = quant::SiteRole::first);

/// A convolution and the norm after it.
class ConvNorm : public layers::Module {
 public:
  /// `norm` is a row of layers::norm_kinds().
  ConvNorm(const std::string& conv_name, const std::string& norm_name, const layers::Conv2dOptions& options,
           std::string_view norm);
  Var forward(const quant::Context& context, const Var& x) override;
  Var forward_relu(const quant::Context& context, const Var& x);
  void start_gamma(float value) { norm_->start_gamma(value); }
  /// The two halves of forward, for what comes between them.
  Var convolve(const quant::Context& context, const Var& x) { return conv_.forward(context, x); }
  /// relu(norm(y) + residual)
  Var norm_add_relu(const quant::Context& context, const Var& y, const Var& residual) {
    return norm_->forward_add_relu(context, y, residual);
  }

 protected:
  std::vector<Module*> children() override { return {&conv_, norm_.get()}; }

 private:
  layers::Conv2d conv_;
  std::unique_ptr<layers::Norm> norm_;
};

/// The classifier: a linear layer of role `head`, with a bias. `block` as quant::Site::block.
std::unique_ptr<layers::Linear> make_head(const std::string& name, int64_t in_features, const ModelOptions& options,
                                          int block = 0);

}  // namespace fqt::models
