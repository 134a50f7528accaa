#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/buffer.h"
#include "engine/kernels/codes.h"

namespace fqt {

/// Extents of a tensor, outermost first. A scalar has none.
using Shape = std::vector<int64_t>;

/// "[128, 32, 32, 3]"
std::string to_string(const Shape& shape);

/// Product of the extents; Error(usage) where one is negative or the product overflows.
int64_t element_count(const Shape& shape);

/// float32 values in row-major order. Copies share storage; clone() does not. Images are NHWC.
class Tensor {
 public:
  /// Empty: no shape, no values, `defined()` is false.
  Tensor() = default;
  /// Uninitialised values.
  explicit Tensor(Shape shape);
  /// A copy of `values`; Error(usage) where their number does not fit `shape`.
  Tensor(Shape shape, std::span<const float> values);

  static Tensor zeros(Shape shape) { return full(std::move(shape), 0.0f); }
  static Tensor full(Shape shape, float value);
  static Tensor scalar(float value) { return full({}, value); }

  bool defined() const { return defined_; }
  const Shape& shape() const { return shape_; }
  int64_t rank() const { return static_cast<int64_t>(shape_.size()); }
  /// Extent of one axis; negative axes count from the back.
  int64_t dim(int64_t axis) const;
  int64_t size() const { return buffer_.size(); }

  /// May be written: what was noted of the values is forgotten, so that a tensor with notes is not to be asked by
  /// several threads at once.
  float* data() { return forget_extremes(), buffer_.data(); }
  const float* data() const { return buffer_.data(); }
  std::span<float> values() { return forget_extremes(), buffer_.span(); }
  std::span<const float> values() const { return buffer_.span(); }
  /// The one value of a tensor of one element.
  float item() const;

  /// The same values under another shape, sharing storage. One extent may be -1: it is inferred.
  Tensor reshape(Shape shape) const;
  Tensor clone() const;
  /// The storage itself.
  const Buffer<float>& buffer() const { return buffer_; }
  /// Smallest and largest value, where whoever wrote the values has noted them and nobody could write since by this
  /// tensor: quantization need not look for them then. Who writes by a copy sees to it that no other is in use.
  const std::optional<kernels::Extremes>& extremes() const { return extremes_; }
  void note_extremes(const std::optional<kernels::Extremes>& extremes) { extremes_ = extremes; }
  void forget_extremes() {
    if (extremes_) extremes_.reset();
  }
  /// True where no other tensor shares the values, so that they may be written in place.
  bool unique() const { return buffer_.unique(); }

 private:
  Shape shape_;
  Buffer<float> buffer_;
  std::optional<kernels::Extremes> extremes_;
  bool defined_ = false;
};

/// Error(usage) "[where] what has shape a, expected b" unless the shapes are equal.
void check_shape(const char* where, const char* what, const Tensor& tensor, const Shape& expected);

}  // namespace fqt
