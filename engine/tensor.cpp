#include "engine/tensor.h"

#include <algorithm>

#include "engine/check.h"
#include "engine/parallel.h"

namespace fqt {

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

int64_t element_count(const Shape& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) {
    check(extent >= 0, "[tensor] shape {} has a negative extent", to_string(shape));
    check(!__builtin_mul_overflow(count, extent, &count), "[tensor] shape {} has too many elements", to_string(shape));
  }
  return count;
}

Tensor::Tensor(Shape shape) : shape_(std::move(shape)), buffer_(element_count(shape_)), defined_(true) {}

Tensor::Tensor(Shape shape, std::span<const float> values) : Tensor(std::move(shape)) {
  check(static_cast<int64_t>(values.size()) == size(), "[tensor] {} values do not fill shape {}", values.size(),
        to_string(shape_));
  std::copy(values.begin(), values.end(), data());
}

Tensor Tensor::full(Shape shape, float value) {
  Tensor tensor(std::move(shape));
  constexpr int64_t kWorthAThread = 1 << 16;
  if (tensor.size() <= kWorthAThread) {
    std::fill_n(tensor.data(), tensor.size(), value);
    return tensor;
  }
  parallel_for(tensor.size(), kWorthAThread,
               [&](int64_t begin, int64_t end) { std::fill(tensor.data() + begin, tensor.data() + end, value); });
  return tensor;
}

int64_t Tensor::dim(int64_t axis) const {
  const int64_t index = axis < 0 ? axis + rank() : axis;
  check(index >= 0 && index < rank(), "[tensor] shape {} has no axis {}", to_string(shape_), axis);
  return shape_[static_cast<size_t>(index)];
}

float Tensor::item() const {
  check(size() == 1, "[item] a tensor of shape {} is not one value", to_string(shape_));
  return *data();
}

Tensor Tensor::reshape(Shape shape) const {
  const auto unknown = std::find(shape.begin(), shape.end(), -1);
  if (unknown != shape.end()) {
    *unknown = 1;
    const int64_t known = element_count(shape);
    check(known > 0 && size() % known == 0, "[reshape] {} values of shape {} do not divide by {}", size(),
          to_string(shape_), known);
    *unknown = size() / known;
  }
  check(element_count(shape) == size(), "[reshape] shape {} does not hold the {} values of shape {}", to_string(shape),
        size(), to_string(shape_));
  Tensor result = *this;
  result.shape_ = std::move(shape);
  return result;
}

Tensor Tensor::clone() const {
  if (!defined_) return {};
  return Tensor(shape_, values());
}

void check_shape(const char* where, const char* what, const Tensor& tensor, const Shape& expected) {
  check(tensor.shape() == expected, "[{}] {} has shape {}, expected {}", where, what, to_string(tensor.shape()),
        to_string(expected));
}

}  // namespace fqt
