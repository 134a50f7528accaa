#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "engine/gemm/gemm.h"
#include "engine/kernels/table.h"

namespace fqt::test {

/// Random integers of a range of less than 2^32, both ends included. (splitmix64: a test draws millions.)
class Draw {
 public:
  explicit Draw(uint64_t seed) : state_(seed) {}
  int64_t operator()(int64_t low, int64_t high) {
    uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return low + static_cast<int64_t>((z >> 32) * static_cast<uint64_t>(high - low + 1) >> 32);
  }

 private:
  uint64_t state_;
};

/// Levels of 2 to 8 bits as bytes, of 9 to 16 as words, with room behind the last for whole vectors.
class LevelBuffer {
 public:
  LevelBuffer(int bits, int64_t size) : bits_(bits), size_(size) {
    if (bits <= 8)
      bytes_.resize(static_cast<size_t>(size + 64));
    else
      words_.resize(static_cast<size_t>(size + 64));
  }

  int top() const { return (1 << bits_) - 1; }
  int64_t size() const { return size_; }
  int64_t operator[](int64_t i) const {
    return bits_ <= 8 ? bytes_[static_cast<size_t>(i)] : words_[static_cast<size_t>(i)];
  }
  void set(int64_t i, int64_t level) {
    if (bits_ <= 8)
      bytes_[static_cast<size_t>(i)] = static_cast<uint8_t>(level);
    else
      words_[static_cast<size_t>(i)] = static_cast<uint16_t>(level);
  }
  uint8_t* bytes() { return bytes_.data(); }
  uint16_t* words() { return words_.data(); }
  const uint8_t* bytes() const { return bytes_.data(); }
  const uint16_t* words() const { return words_.data(); }
  gemm::Levels levels(int zero, std::span<const int32_t> column_zeros = {}) const {
    if (bits_ <= 8) return {bytes_.data(), zero, top(), column_zeros};
    return {words_.data(), zero, top(), column_zeros};
  }

 private:
  int bits_;
  int64_t size_;
  std::vector<uint8_t> bytes_;
  std::vector<uint16_t> words_;
};

/// Random levels, `zero` in borders and fill.
inline LevelBuffer draw_image(Draw& draw, int bits, const gemm::PaddedImage& layout, int zero) {
  LevelBuffer levels(bits, layout.size());
  for (int64_t i = 0; i < layout.size(); ++i) levels.set(i, zero);
  for (int64_t n = 0; n < layout.batch; ++n)
    for (int64_t y = 0; y < layout.height; ++y)
      for (int64_t x = 0; x < layout.width; ++x)
        for (int64_t c = 0; c < layout.channels; ++c) levels.set(layout.offset(n, y, x) + c, draw(0, levels.top()));
  return levels;
}

/// A plain [rows x terms] * [terms x columns] product: lhs in rows of `stride` elements, rhs dense, row-major or, where
/// `transposed`, column-major.
inline gemm::GatherProduct matrix_product(int64_t rows, int64_t terms, int64_t columns, int64_t stride,
                                          bool transposed) {
  gemm::GatherProduct product;
  product.terms = terms;
  product.out_stride = columns;
  std::vector<int32_t> offsets;
  for (int64_t i = 0; i < rows; ++i) offsets.push_back(static_cast<int32_t>(i * stride));
  product.lhs.rows = std::move(offsets);
  product.lhs.segments = {0};
  product.lhs.length = stride;
  product.rhs.segments = {0};
  product.rhs.length = terms;
  product.rhs.padded_length = stride;
  product.rhs.term_stride = transposed ? 1 : columns;
  product.rhs.column_stride = transposed ? terms : 1;
  product.rhs.columns = columns;
  return product;
}

/// Runs body() under every instruction set of this processor.
template <typename Body>
void for_each_isa(const Body& body) {
  for (const kernels::Isa& isa : kernels::all_isas()) {
    if (!isa.supported()) continue;
    kernels::select(isa.name);
    CAPTURE(isa.name);
    body();
  }
  kernels::select("");
}

}  // namespace fqt::test
