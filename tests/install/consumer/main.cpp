#include <cstdio>

#include "engine/hash.h"
#include "engine/tensor.h"

int main() {
  const fqt::Tensor ones = fqt::Tensor::full({2, 3}, 1.0f);
  const fqt::Tensor row = ones.reshape({-1});
  std::printf("installed fqt computes: %s hashes to %s\n", fqt::to_string(row.shape()).c_str(),
              fqt::to_hex(fqt::hash_floats(row.values())).c_str());
  return row.size() == 6 ? 0 : 1;
}
