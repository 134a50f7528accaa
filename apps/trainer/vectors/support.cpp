#include "trainer/vectors/topics.h"

namespace fqt::trainer::vectors {

void put(Json& json, const std::string& key, float value) {
  json[key] = exact(value);
  json[key + "_bits"] = bits_of(value);
}

void put(Json& json, const std::string& key, std::span<const float> values) {
  Json& list = json[key] = Json::array();
  for (const float value : values) list.push_back(exact(value));
  put_bits(json, key, values);
}

void put_bits(Json& json, const std::string& key, std::span<const float> values) {
  Json& list = json[key + "_bits"] = Json::array();
  for (const float value : values) list.push_back(bits_of(value));
}

void put_grids(Json& json, const std::vector<quant::Grid>& grids) {
  std::vector<float> scales;
  std::vector<int> zero_points;
  for (const quant::Grid& grid : grids) {
    scales.push_back(grid.scale);
    zero_points.push_back(grid.zero_point());
  }
  put(json, "scale", scales);
  json["zero_point"] = zero_points;
}

Json operand_json(const quant::Quantized& quantized) {
  Json json{{"shape", quantized.shape},
            {"format", quantized.precision.format->name},
            {"bits", quantized.precision.bits},
            {"per_channel", quantized.precision.per_channel}};
  put_grids(json, quantized.operand.grids);
  json["codes"] = quantized.codes();
  return json;
}

Tensor uniform(const Shape& shape, const quant::Range& range, const RandomKey& key) {
  Tensor tensor(shape);
  for (int64_t i = 0; i < tensor.size(); ++i)
    tensor.data()[i] = range.low + (range.high - range.low) * random_uniform(key, static_cast<uint64_t>(i));
  return tensor;
}

Tensor layer_like(const Shape& shape, const RandomKey& key) {
  Tensor tensor(shape);
  fill_normal(key, 1.0f, tensor.values());
  for (int64_t i = 4; i < tensor.size(); i += 9) tensor.data()[i] = 0;
  for (int64_t i = 7; i < tensor.size(); i += 50) tensor.data()[i] *= 6;
  return tensor;
}

std::vector<const quant::Format*> integer_formats() {
  std::vector<const quant::Format*> list;
  for (const quant::Format& format : quant::formats())
    if (!format.is_float()) list.push_back(&format);
  return list;
}

}  // namespace fqt::trainer::vectors
