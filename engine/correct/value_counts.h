// How a tensor's values are distributed over all of float's range, and what a quantizer would make of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/quantize_math.h"
#include "kernels/statistics_math.h"
#include "kernels/tensor_parts.h"

namespace qcal {

// Values by sign, exponent and the first three bits of the mantissa: bins that follow from no data, so that
// the counts are the same for every order, split and merge. 32 KiB.
struct ValueCounts {
  static constexpr std::size_t bins = 4096;
  std::vector<std::uint64_t> counts = std::vector<std::uint64_t>(bins);  // in the order of the values' bits
  ValueRange range;

  bool operator==(const ValueCounts&) const = default;
};

// A batch in host memory. Cost: one pass.
void count(const TensorParts& batch, ValueCounts& values);

// Takes over what was counted elsewhere.
void add(const ValueCounts& more, ValueCounts& values);

// Signal to quantization noise in dB: 10 log10(sum x^2 / sum (x - q(x))^2), the finite values of a bin being
// spread evenly over what of it lies in their range. Infinite without noise. The same bits on every machine.
// Example: values that lie evenly over [-1, 1], of a quantizer of scale 2/255, give 48.1 dB.
double signal_to_noise(const ValueCounts& values, const ElementQuantizer& quantizer);

}  // namespace qcal
