#include "engine/gemm/batch.h"

#include <algorithm>
#include <limits>

#include "engine/check.h"

namespace fqt {

void BatchGeometry::check(const char* where) const {
  fqt::check(count >= 1 && rows >= 1 && depth >= 1 && columns >= 1,
             "[{}] every extent must be at least 1: {} products [{} x {}] * [{} x {}]", where, count, rows, depth,
             depth, columns);
  const double matrices = static_cast<double>(count), m = static_cast<double>(rows), k = static_cast<double>(depth),
               n = static_cast<double>(columns);
  constexpr double kLimit = std::numeric_limits<int32_t>::max();  // offsets are int32
  fqt::check(matrices * std::max({m * k, k * n, m * n}) <= kLimit,
             "[{}] {} products [{} x {}] * [{} x {}] have more than 2^31 - 1 elements in an operand; use a smaller "
             "batch",
             where, count, rows, depth, depth, columns);
}

}  // namespace fqt

namespace fqt::gemm {
namespace {

/// A matrix of a batch: where its rows or columns lie.
struct Matrix {
  int64_t size;    ///< elements of one matrix
  int64_t height;  ///< rows as they lie
  int64_t width;   ///< columns as they lie
};

std::vector<int32_t> multiples(int64_t count, int64_t step, int64_t first = 0) {
  std::vector<int32_t> offsets;
  for (int64_t i = 0; i < count; ++i) offsets.push_back(static_cast<int32_t>(first + i * step));
  return offsets;
}

/// Rows of a left operand and columns of a right one: in the order they lie, or (transposed) across it.
struct Side {
  Matrix matrix;
  bool transposed;

  int64_t terms(bool left) const { return left != transposed ? matrix.width : matrix.height; }
  int64_t others(bool left) const { return left != transposed ? matrix.height : matrix.width; }
};

/// The products left * right of `count` pairs, to results [count, rows, columns].
std::vector<GatherProduct> products(int64_t count, const Side& left, const Side& right, int64_t group) {
  const int64_t rows = left.others(true), columns = right.others(false), terms = left.terms(true);
  // Rows that are read in place are read in whole groups: what is past their ends meets zeros.
  const int64_t padded = left.transposed ? terms : (terms + group - 1) / group * group;
  const Offsets shared(multiples(rows, left.transposed ? 1 : left.matrix.width));
  std::vector<GatherProduct> all;
  for (int64_t i = 0; i < count; ++i) {
    GatherProduct product;
    product.terms = terms;
    product.lhs.rows = shared;
    product.lhs.segments = {static_cast<int32_t>(i * left.matrix.size)};
    product.lhs.length = padded;
    product.lhs.term_stride = left.transposed ? left.matrix.width : 1;
    product.rhs.segments = {static_cast<int32_t>(i * right.matrix.size)};
    product.rhs.length = terms;
    product.rhs.padded_length = padded;
    product.rhs.term_stride = right.transposed ? 1 : right.matrix.width;
    product.rhs.column_stride = right.transposed ? right.matrix.width : 1;
    product.rhs.columns = columns;
    product.out_stride = columns;
    if (i > 0) product.out_rows = multiples(rows, columns, i * rows * columns);
    all.push_back(std::move(product));
  }
  return all;
}

Matrix left_matrix(const BatchGeometry& g) { return {g.rows * g.depth, g.rows, g.depth}; }
Matrix result_matrix(const BatchGeometry& g) { return {g.rows * g.columns, g.rows, g.columns}; }
Matrix right_matrix(const BatchGeometry& g) {
  return g.transposed ? Matrix{g.depth * g.columns, g.columns, g.depth}
                      : Matrix{g.depth * g.columns, g.depth, g.columns};
}

}  // namespace

PaddedImage forward_image(const BatchGeometry& g, int group) {
  return {g.count, 1, g.rows, g.depth, 0, 0, 0, 0, g.depth, group};
}

PaddedImage gradient_image(const BatchGeometry& g, int group) {
  return {g.count, 1, g.rows, g.columns, 0, 0, 0, 0, g.columns, group};
}

std::vector<GatherProduct> forward_products(const BatchGeometry& g, const PaddedImage& x) {
  return products(g.count, {left_matrix(g), false}, {right_matrix(g), g.transposed}, x.group);
}

std::vector<GatherProduct> grad_lhs_products(const BatchGeometry& g, const PaddedImage& dy) {
  return products(g.count, {result_matrix(g), false}, {right_matrix(g), !g.transposed}, dy.group);
}

std::vector<GatherProduct> grad_rhs_products(const BatchGeometry& g, const PaddedImage& x, const PaddedImage& dy) {
  const Matrix left = g.transposed ? result_matrix(g) : left_matrix(g);
  const Matrix right = g.transposed ? left_matrix(g) : result_matrix(g);
  return products(g.count, {left, true}, {right, false}, std::max(x.group, dy.group));
}

}  // namespace fqt::gemm
