#include "bench/gemm.h"

#include <algorithm>
#include <functional>

#include "bench/clock.h"
#include "bench/peer.h"
#include "engine/buffer.h"
#include "engine/gemm/gemm.h"
#include "engine/kernels/gemm.h"
#include "engine/random.h"

namespace fqt::bench {
namespace {

struct Forward {
  int64_t m, n, k;
};

/// A large square product, and one layer of each stage of resnet20 at batch 128.
constexpr Forward kProducts[] = {{1024, 1024, 1024}, {131072, 16, 144}, {32768, 32, 288}, {8192, 64, 576}};

enum class Order { forward, grad_lhs, grad_rhs };
constexpr const char* kOrderNames[] = {"forward", "grad_lhs", "grad_rhs"};

double seconds(const std::function<void()>& body) {
  const double start = now();
  body();
  return now() - start;
}

/// Times the two sides in turn, after one warm-up of each.
void measure(GemmRow& row, int repeats, const std::function<void()>& own, const std::function<void()>& peer) {
  std::vector<double> own_times, peer_times;
  const double operations = 2e-9 * static_cast<double>(row.m) * static_cast<double>(row.n) * static_cast<double>(row.k);
  own();
  if (peer) peer();
  for (int i = 0; i < repeats; ++i) {
    own_times.push_back(seconds(own));
    if (peer) peer_times.push_back(seconds(peer));
  }
  row.gops = operations / median(own_times);
  if (peer) row.peer_gops = operations / median(peer_times);
}

/// The operands of one product as a layer would hold them: X [M, K], W [K, N], dY [M, N].
template <typename T>
struct Matrices {
  Buffer<T> x, w, dy;

  Matrices(const ConvGeometry& g, int bits) : x(g.m() * g.k()), w(g.k() * g.n()), dy(g.m() * g.n()) {
    uint64_t stream = 0;
    for (Buffer<T>* matrix : {&x, &w, &dy}) {
      const RandomKey key{1, ++stream};
      for (int64_t i = 0; i < matrix->size(); ++i)
        matrix->data()[i] = static_cast<T>(random_below(key, static_cast<uint64_t>(i), 1u << bits));
    }
  }
};

/// Runs one product on matrices of `T`; multiply(product, lhs, rhs) does the arithmetic.
template <typename T, typename Multiply>
void run_own(Order order, const ConvGeometry& g, const Matrices<T>& matrices, const Multiply& multiply) {
  const int group = kernels::kGroup<T>;
  const gemm::PaddedImage x = gemm::forward_image(g, group), dy = gemm::gradient_image(g, group);
  if (order == Order::forward)
    return multiply(gemm::forward_products(g, x).front(), matrices.x.data(), matrices.w.data());
  if (order == Order::grad_lhs)
    return multiply(gemm::grad_lhs_products(g, dy).front(), matrices.dy.data(), matrices.w.data());
  multiply(gemm::grad_rhs_products(g, x, dy).front(), matrices.x.data(), matrices.dy.data());
}

/// M, N, K of the product as oneDNN is asked for it.
GemmRow describe(const char* kernel, Order order, const Forward& f) {
  GemmRow row{kernel, kOrderNames[static_cast<int>(order)], f.m, f.n, f.k, 0, "", {}};
  if (order == Order::grad_lhs) std::swap(row.n, row.k);
  if (order == Order::grad_rhs) std::swap(row.m, row.k);
  return row;
}

/// One product of equally wide operands, as a function to be timed; `out` holds what the largest product writes.
template <typename T>
std::function<void()> integer_product(Order order, const ConvGeometry& g, const Matrices<T>& matrices, int bits,
                                      Buffer<float> out) {
  return [order, g, &matrices, bits, out]() mutable {
    const int zero = 1 << (bits - 1), top = (1 << bits) - 1;
    const double scale = 1e-4;
    run_own(order, g, matrices, [&](const gemm::GatherProduct& product, const T* lhs, const T* rhs) {
      gemm::integer_product(product, {lhs, zero, top}, {rhs, zero, top}, {&scale, 1}, out.data());
    });
  };
}

Buffer<float> result_buffer(const Forward& f) { return Buffer<float>(std::max({f.m * f.n, f.m * f.k, f.k * f.n})); }

GemmRow run_bytes(Order order, const Forward& f, int bits, int repeats) {
  const ConvGeometry g = ConvGeometry::matrix(f.m, f.k, f.n);
  GemmRow row = describe(bits == 8 ? "gemm_s8" : "gemm_s8_b6", order, f);
  const Matrices<uint8_t> matrices(g, bits);
  row.peer = has_peer() ? "dnnl_gemm_u8s8s32" : "";
  const Buffer<float> out = result_buffer(f);
  Buffer<int32_t> peer_out(out.size());
  const Buffer<uint8_t>& lhs = order == Order::grad_lhs ? matrices.dy : matrices.x;
  const Buffer<uint8_t>& rhs = order == Order::grad_rhs ? matrices.dy : matrices.w;
  measure(row, repeats, integer_product(order, g, matrices, bits, out),
          has_peer() ? std::function<void()>([&] {
            peer_integer(order == Order::grad_rhs, order == Order::grad_lhs, row.m, row.n, row.k, lhs.data(),
                         reinterpret_cast<const int8_t*>(rhs.data()), peer_out.data());
          })
                     : nullptr);
  return row;
}

/// 16 bits beside 8 on the same shape: what the wider operands cost.
GemmRow run_words(Order order, const Forward& f, int repeats) {
  const ConvGeometry g = ConvGeometry::matrix(f.m, f.k, f.n);
  GemmRow row = describe("gemm_s16", order, f);
  const Matrices<uint16_t> words(g, 16);
  const Matrices<uint8_t> bytes(g, 8);
  row.peer = "gemm_s8";
  const Buffer<float> out = result_buffer(f);
  measure(row, repeats, integer_product(order, g, words, 16, out), integer_product(order, g, bytes, 8, out));
  return row;
}

GemmRow run_float(Order order, const Forward& f, int repeats) {
  const ConvGeometry g = ConvGeometry::matrix(f.m, f.k, f.n);
  GemmRow row = describe("gemm_f32", order, f);
  const Matrices<float> matrices(g, 4);
  Buffer<float> out = result_buffer(f), peer_out(out.size());
  const auto own = [&] {
    run_own(order, g, matrices, [&](const gemm::GatherProduct& product, const float* lhs, const float* rhs) {
      gemm::float_product(product, lhs, rhs, out.data());
    });
  };
  row.peer = has_peer() ? "dnnl_sgemm" : "";
  const Buffer<float>& lhs = order == Order::grad_lhs ? matrices.dy : matrices.x;
  const Buffer<float>& rhs = order == Order::grad_rhs ? matrices.dy : matrices.w;
  measure(row, repeats, own,
          has_peer() ? std::function<void()>([&] {
            peer_float(order == Order::grad_rhs, order == Order::grad_lhs, row.m, row.n, row.k, lhs.data(), rhs.data(),
                       peer_out.data());
          })
                     : nullptr);
  return row;
}

}  // namespace

std::vector<GemmRow> run_gemm(int repeats) {
  std::vector<GemmRow> rows;
  for (const Forward& product : kProducts)
    for (const Order order : {Order::forward, Order::grad_lhs, Order::grad_rhs}) {
      rows.push_back(run_bytes(order, product, 8, repeats));
      rows.push_back(run_bytes(order, product, 6, repeats));
      rows.push_back(run_words(order, product, repeats));
      rows.push_back(run_float(order, product, repeats));
    }
  return rows;
}

}  // namespace fqt::bench
