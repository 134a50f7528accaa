#include <atomic>
#include <cstdlib>

#include "engine/check.h"
#include "engine/find.h"
#include "engine/kernels/isa.h"
#include "engine/parallel.h"

namespace fqt::kernels {
namespace {

bool always() { return true; }

#if defined(__x86_64__)
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vnni") && has_avx2();
}
#endif

constexpr Isa kIsas[] = {
    {"reference", "scalar loops: the specification", always, table_reference},
#if defined(__x86_64__)
    {"avx2", "AVX2 and FMA", has_avx2, table_avx2},
    {"avx512", "AVX-512 with VNNI", has_avx512, table_avx512},
#endif
};

std::atomic<const KernelTable*> selected{nullptr};

const KernelTable& fastest() {
  const KernelTable* best = nullptr;
  for (const Isa& isa : kIsas)
    if (isa.supported()) best = &isa.table();
  return *best;
}

const KernelTable& find(std::string_view name) {
  const Isa& isa = find_row(kIsas, name, "FQT_ISA", "instruction set");
  check(isa.supported(), "[FQT_ISA] this processor has no {} ({})", isa.name, isa.description);
  return isa.table();
}

}  // namespace

std::span<const Isa> all_isas() { return kIsas; }

const KernelTable& active() {
  const KernelTable* table = selected.load(std::memory_order_acquire);
  if (!table) {
    select("");
    table = selected.load(std::memory_order_acquire);
  }
  return *table;
}

void select(std::string_view isa) {
  const char* forced = std::getenv("FQT_ISA");
  const KernelTable& table = !isa.empty() ? find(isa) : forced && *forced ? find(forced) : fastest();
  selected.store(&table, std::memory_order_release);
}

void parallel_add(std::span<float> sum, std::span<const float> term) {
  const auto add = active().vector.add;
  parallel_for(static_cast<int64_t>(sum.size()), 1 << 14,
               [&](int64_t begin, int64_t end) { add(sum.data() + begin, term.data() + begin, end - begin); });
}

}  // namespace fqt::kernels
