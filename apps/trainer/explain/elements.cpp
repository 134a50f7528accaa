#include "trainer/explain/elements.h"

#include <cmath>
#include <cstdlib>

#include "engine/gemm/terms.h"

namespace fqt::trainer {
namespace {

/// Where an element is computed, and where it goes.
struct ElementPlace {
  std::string_view which;
  const gemm::GatherProduct* product = nullptr;
  int64_t row = 0, column = 0;
  int64_t index = 0;
};

int64_t middle_of(const Shape& shape) {
  int64_t index = 0;
  for (const int64_t extent : shape) index = index * extent + extent / 2;
  return index;
}

Shape unravel(int64_t index, const Shape& shape) {
  Shape result(shape.size());
  for (size_t axis = shape.size(); axis-- > 0; index /= shape[axis]) result[axis] = index % shape[axis];
  return result;
}

/// Elements that some product computes (a stride may leave others out), each once.
std::vector<ElementPlace> chosen(const quant::Multiplication& multiplied) {
  const Tensor& result = multiplied.result;
  const int64_t middle = middle_of(result.shape());
  ElementPlace first{"first"}, near{"middle"}, largest{"largest"};
  for (const gemm::GatherProduct& product : multiplied.products)
    for (int64_t row = 0; row < product.rows(); ++row)
      for (int64_t column = 0; column < product.rhs.columns; ++column) {
        const int64_t index = product.out_offset(row) + column;
        const auto take = [&](ElementPlace& place, bool better) {
          if (!place.product || better) place = {place.which, &product, row, column, index};
        };
        take(first, index < first.index);
        take(near, std::abs(index - middle) < std::abs(near.index - middle));
        take(largest, std::abs(result.data()[index]) > std::abs(result.data()[largest.index]));
      }
  std::vector<ElementPlace> places{first};
  for (const ElementPlace& place : {near, largest})
    if (place.index != first.index && place.index != places.back().index) places.push_back(place);
  return places;
}

/// One operand's share of an element: its terms before rounding, and as codes.
struct Terms {
  std::vector<double> values;
  std::vector<int> levels;  ///< none of fp32
};

Terms read_terms(const quant::Operand& operand, const std::vector<int64_t>& offsets, int64_t start) {
  Terms terms;
  const std::span<const float> values = operand.values->floats();
  for (const int64_t offset : offsets) {
    terms.values.push_back(values[static_cast<size_t>(start + offset)]);
    if (!operand.is_float()) terms.levels.push_back(operand.level(start + offset));
  }
  return terms;
}

ElementWalk walk_element(const quant::Multiplication& multiplied, const ElementPlace& place,
                         std::vector<CodePair>* codes) {
  const gemm::GatherProduct element = gemm::single_element(*place.product, place.row, place.column);
  const gemm::TermOffsets offsets = gemm::term_offsets(element);
  const Terms lhs = read_terms(multiplied.lhs, offsets.lhs, element.lhs.rows[0]);
  const Terms rhs = read_terms(multiplied.rhs, offsets.rhs, 0);
  ElementWalk walk{.which = place.which, .index = unravel(place.index, multiplied.result.shape())};
  walk.computed = multiplied.result.data()[place.index];
  for (size_t k = 0; k < lhs.values.size(); ++k) walk.exact += lhs.values[k] * rhs.values[k];
  if (multiplied.lhs.is_float()) return walk;

  const quant::Grid& a = multiplied.lhs.grids.front();
  const std::vector<quant::Grid>& columns = multiplied.rhs.grids;
  const quant::Grid& b = multiplied.rhs.per_channel() ? columns[static_cast<size_t>(element.first_column)] : columns[0];
  for (size_t k = 0; k < lhs.levels.size(); ++k) {
    walk.decoded += double{a.scale} * (lhs.levels[k] - a.zero) * (double{b.scale} * (rhs.levels[k] - b.zero));
    if (codes) codes->push_back({lhs.levels[k] - a.centre(), rhs.levels[k] - b.centre()});
  }
  walk.lhs_scale = a.scale;
  walk.rhs_scale = b.scale;
  walk.lhs_zero_point = a.zero_point();
  walk.rhs_zero_point = b.zero_point();
  integer_sums(element, multiplied.lhs, multiplied.rhs, {&walk.sum, 1});
  integer_sums(element, multiplied.lhs, multiplied.rhs, multiplied.accumulator, {&walk.held_sum, 1});
  return walk;
}

}  // namespace

void walk_elements(const quant::Multiplication& multiplied, ProductWalk& walk) {
  const std::vector<ElementPlace> places = chosen(multiplied);
  walk.spelled_out = places.size() > 1 ? 1 : 0;
  const bool spell = walk.kind == quant::ProductKind::forward;
  for (size_t i = 0; i < places.size(); ++i)
    walk.elements.push_back(
        walk_element(multiplied, places[i], spell && i == walk.spelled_out ? &walk.codes : nullptr));
}

}  // namespace fqt::trainer
