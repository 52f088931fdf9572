// The integers that a quantized tensor may take.
#pragma once

#include <cstdint>

namespace qcal {

// Both ends inclusive. Widths 2 to 16, and 32.
struct IntegerRange {
  std::int64_t qmin = -128;
  std::int64_t qmax = 127;

  constexpr std::int64_t steps() const { return qmax - qmin; }
  bool operator==(const IntegerRange&) const = default;
};

// Signed: [-2^(b-1), 2^(b-1)-1], one more at the bottom where narrow; unsigned: [0, 2^b-1].
constexpr IntegerRange integer_range(int bit_width, bool is_signed, bool narrow) {
  if (!is_signed) return {0, (std::int64_t{1} << bit_width) - 1};
  const std::int64_t half = std::int64_t{1} << (bit_width - 1);
  return {narrow ? 1 - half : -half, half - 1};
}

}  // namespace qcal
