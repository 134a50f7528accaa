#include "data/cifar.h"

#include "memory_file.h"

using namespace fqt;
using namespace fqt::data;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t count) {
  const test::MemoryFile file(bytes, count);
  for (const CifarFormat& format : {cifar10_format(), cifar100_format(false), cifar100_format(true)}) {
    test::expect_data_errors([&] {
      const CifarDataset dataset("fuzz", {file.path()}, format);
      std::vector<uint8_t> pixels(CifarDataset::kPixels);
      for (int64_t i = 0; i < dataset.size(); ++i)
        if (dataset.read(i, pixels) >= dataset.classes()) std::abort();
    });
  }
  return 0;
}
