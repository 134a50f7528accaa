#include "engine/rehearsal.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <thread>

#include "engine/buffer.h"
#include "engine/parallel.h"
#include "engine/tensor.h"

using namespace fqt;

TEST_CASE("rehearsal: storage counts what each block was asked for, and a block that is free serves again") {
  const Rehearsal rehearsal;
  CHECK(storage_bytes() == 0);
  {
    const Buffer<float> first(1000), second(1000);
    CHECK(storage_bytes() == 8000);
  }
  {
    const Buffer<float> less(990), half(600);
    CHECK(storage_bytes() == 8000);
  }
  const Buffer<float> more(1001);  // of the same size class, a little more than a block has served
  CHECK(storage_bytes() == 8004);
  const Buffer<float> other(100000);
  CHECK(storage_bytes() == 408004);
  const Buffer<float> quarter(200);  // not worth a block of four times its size
  CHECK(storage_bytes() == 408804);
}

TEST_CASE("rehearsal: nothing is computed, and large buffers take no memory") {
  const Rehearsal rehearsal;
  bool called = false;
  parallel_for(10, 1, [&](int64_t, int64_t) { called = true; });
  CHECK_FALSE(called);
  const Tensor large = Tensor::full({1 << 20, 1 << 14}, 1.0f);
  CHECK(storage_bytes() == int64_t{1} << 36);
  CHECK(large.data()[1 << 20] == 0);
  CHECK(Tensor::full({3}, 2.0f).data()[2] == 2);
}

TEST_CASE("rehearsal: it is its thread's alone, and ends; what it gave out may outlive it") {
  const int64_t before = storage_bytes();
  Tensor kept;
  {
    const Rehearsal rehearsal;
    CHECK(Rehearsal::active());
    kept = Tensor::zeros({1 << 16});
    std::thread([] {
      CHECK_FALSE(Rehearsal::active());
      CHECK(Tensor::full({1 << 17}, 1.0f).data()[1 << 16] == 1);
    }).join();
    const Rehearsal inner;
    CHECK(storage_bytes() == 0);
  }
  CHECK_FALSE(Rehearsal::active());
  CHECK(storage_bytes() >= before);
  std::ranges::fill(kept.values(), 1.0f);
  CHECK(kept.data()[5] == 1);
}
