#include "trainer/exact.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cstdint>

namespace fqt::trainer {

double exact(float value) {
  const std::string digits = fmt::format("{}", value);
  double number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  // Digits that are enough for float32 may round another way by way of float64.
  return std::bit_cast<uint32_t>(static_cast<float>(number)) == std::bit_cast<uint32_t>(value) ? number : value;
}

std::string bits_of(float value) { return fmt::format("{:08x}", std::bit_cast<uint32_t>(value)); }

}  // namespace fqt::trainer
