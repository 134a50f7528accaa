#include "engine/tensor.h"

#include <doctest/doctest.h>

#include <utility>

#include "engine/check.h"

using namespace fqt;

TEST_CASE("tensor: reshape infers one extent and shares storage") {
  const Tensor a({2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
  Tensor b = a.reshape({3, -1});
  CHECK(b.shape() == Shape{3, 2});
  CHECK_FALSE(b.unique());
  b.data()[0] = 9;
  CHECK(a.data()[0] == 9);
  CHECK(a.clone().unique());
}

TEST_CASE("tensor: shapes that do not fit are named in the error") {
  const Tensor a({2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
  CHECK_THROWS_WITH_AS(a.reshape({4, 2}), "[reshape] shape [4, 2] does not hold the 6 values of shape [2, 3]", Error);
  CHECK_THROWS_AS(a.reshape({4, -1}), Error);
  CHECK_THROWS_AS(Tensor({2}, std::vector<float>{1, 2, 3}), Error);
  CHECK_THROWS_AS(Tensor(Shape{-1}), Error);
  CHECK_THROWS_AS(Tensor(Shape{int64_t{1} << 40, int64_t{1} << 40}), Error);
  CHECK_THROWS_AS(a.dim(2), Error);
  CHECK(a.dim(-1) == 3);
}

TEST_CASE("tensor: noted extremes go with the values, and are forgotten once they may be written") {
  Tensor tensor({2, 2}, std::vector<float>{1, 2, 3, 4});
  CHECK_FALSE(tensor.extremes());
  tensor.note_extremes(kernels::Extremes{1, 4, true});
  CHECK(tensor.reshape({4}).extremes()->high == 4);
  CHECK(std::as_const(tensor).values()[3] == 4);
  CHECK(tensor.extremes());
  CHECK_FALSE(tensor.clone().extremes());
  Tensor copy = tensor;
  copy.data();
  CHECK_FALSE(copy.extremes());
  CHECK(tensor.extremes());
  tensor.values();
  CHECK_FALSE(tensor.extremes());
}
