// Included once by every instruction set's translation unit, inside namespace fqt::kernels::<isa>. No standard headers
// with inline functions here or above: the linker might keep the copy that needs the wider instructions.

void add(float* __restrict sum, const float* __restrict term, int64_t count) {
  for (int64_t i = 0; i < count; ++i) sum[i] += term[i];
}

constexpr VectorKernels kVectorKernels{add};
