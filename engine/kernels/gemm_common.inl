// Included once by every instruction set's translation unit, inside namespace fqt::kernels::<isa>.

void scale_sums(const int32_t* __restrict sums, const int32_t* __restrict corrections, double scale,
                float* __restrict out, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    out[i] = static_cast<float>(static_cast<double>(sums[i] - corrections[i]) * scale);
}
