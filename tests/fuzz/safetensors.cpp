#include "trainer/safetensors.h"

#include "memory_file.h"

using namespace fqt;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t count) {
  const test::MemoryFile file(bytes, count);
  test::expect_data_errors([&] { trainer::read_safetensors(file.path()); });
  return 0;
}
