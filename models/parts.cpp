#include "models/parts.h"

namespace fqt::models {

layers::Conv2dOptions convolution(int64_t in_channels, int64_t out_channels, int64_t kernel, int64_t stride) {
  layers::Conv2dOptions options;
  options.in_channels = in_channels;
  options.out_channels = out_channels;
  options.kernel = kernel;
  options.stride = stride;
  options.padding = kernel / 2;
  return options;
}

layers::Conv2dOptions stem_convolution(const ModelOptions& model, int64_t out_channels, int64_t kernel, int64_t stride,
                                       quant::SiteRole role) {
  layers::Conv2dOptions options = convolution(model.channels, out_channels, kernel, stride);
  options.role = role;
  return options;
}

ConvNorm::ConvNorm(const std::string& conv_name, const std::string& norm_name, const layers::Conv2dOptions& options,
                   std::string_view norm)
    : conv_(conv_name, options), norm_(layers::make_norm(norm, norm_name, options.out_channels)) {}

Var ConvNorm::forward(const quant::Context& context, const Var& x) {
  return norm_->forward(context, conv_.forward(context, x));
}

Var ConvNorm::forward_relu(const quant::Context& context, const Var& x) {
  return norm_->forward_relu(context, conv_.forward(context, x));
}

std::unique_ptr<layers::Linear> make_head(const std::string& name, int64_t in_features, const ModelOptions& options,
                                          int block) {
  layers::LinearOptions head;
  head.in_features = in_features;
  head.out_features = options.classes;
  head.role = quant::SiteRole::head;
  head.block = block;
  return std::make_unique<layers::Linear>(name, head);
}

}  // namespace fqt::models
