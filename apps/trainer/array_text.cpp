#include "trainer/array_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace fqt::trainer {
namespace {

constexpr size_t kLine = 80;
constexpr size_t kMostShown = 200;  ///< numbers shown in full
constexpr int64_t kEllipsis = -1;   ///< in place of an index
constexpr std::string_view kDots = "...";

class Printer {
 public:
  Printer(const Shape& shape, std::span<const int32_t> values) : shape_(shape), values_(values) {
    // A page has room for few lines along outer axes.
    if (values.size() > kMostShown) edge_ = shape.size() <= 2 ? 3 : shape.size() == 3 ? 2 : 1;
    measure(0, 0);
  }

  /// The part below `axis`, from value `first` on.
  std::string text(size_t axis, int64_t first) const {
    if (axis == shape_.size()) return fmt::format("{:>{}}", values_[static_cast<size_t>(first)], column_);
    const bool innermost = axis + 1 == shape_.size();
    const std::string indent(axis + 1, ' ');
    const std::string separator = innermost ? " " : std::string(shape_.size() - axis - 1, '\n') + indent;
    std::string result = "[";
    size_t line = indent.size();
    for (const int64_t index : shown(axis)) {
      const std::string part = index == kEllipsis ? std::string(kDots) : text(axis + 1, first + index * stride(axis));
      if (result.size() > 1) result += separator;
      if (innermost && result.size() > 1 && line + 1 + part.size() + shape_.size() > kLine) {
        result.back() = '\n';
        result += indent;
        line = indent.size();
      } else {
        line += result.size() > 1 ? 1 : 0;
      }
      result += part;
      line += part.size();
    }
    return result + "]";
  }

 private:
  int64_t stride(size_t axis) const {
    int64_t stride = 1;
    while (++axis < shape_.size()) stride *= shape_[axis];
    return stride;
  }

  std::vector<int64_t> shown(size_t axis) const {
    const int64_t extent = shape_[axis];
    std::vector<int64_t> indices;
    const bool all = edge_ == 0 || extent <= 2 * edge_ + 1;
    for (int64_t i = 0; i < (all ? extent : edge_); ++i) indices.push_back(i);
    if (all) return indices;
    indices.push_back(kEllipsis);
    for (int64_t i = extent - edge_; i < extent; ++i) indices.push_back(i);
    return indices;
  }

  /// Makes the column as wide as the widest number that is shown.
  void measure(size_t axis, int64_t first) {
    if (axis == shape_.size()) {
      column_ = std::max(column_, std::to_string(values_[static_cast<size_t>(first)]).size());
      return;
    }
    for (const int64_t index : shown(axis))
      if (index != kEllipsis) measure(axis + 1, first + index * stride(axis));
  }

  const Shape& shape_;
  std::span<const int32_t> values_;
  int64_t edge_ = 0;  ///< numbers shown at each end of an axis; 0: all of them
  size_t column_ = 1;
};

}  // namespace

std::string array_text(const Shape& shape, std::span<const int32_t> values) {
  return values.empty() ? "[]" : Printer(shape, values).text(0, 0);
}

}  // namespace fqt::trainer
