#include "engine/correct/value_counts.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>

#include "kernels/channel_blocks.h"
#include "kernels/log_math.h"
#include "kernels/statistics.h"

namespace qcal {
namespace {

constexpr int bits_below_bin = 20;
constexpr std::uint32_t values_of_bin = std::uint32_t{1} << bits_below_bin;
// Values that stand for a bin. Prime, so that their distance is no multiple of a quantizer's step where both
// the bin and the step are powers of two.
constexpr std::uint32_t samples = 17;

float sample(std::size_t bin, std::uint32_t index) {
  const std::uint32_t within = (2 * index + 1) * (values_of_bin / 2) / samples;
  return std::bit_cast<float>((static_cast<std::uint32_t>(bin) << bits_below_bin) + within);
}

}  // namespace

void count(const TensorParts& batch, ValueCounts& values) {
  batch.for_each([&](const TensorPart& part) {
    const ChannelReader reader(part.view, std::nullopt);
    for_each_block(reader, 0, 0, reader.elements(), [&](std::span<const float> block) {
      for (const float value : block) ++values.counts[std::bit_cast<std::uint32_t>(value) >> bits_below_bin];
      values.range = merge(values.range, range_of(block));
    });
  });
}

void add(const ValueCounts& more, ValueCounts& values) {
  for (std::size_t bin = 0; bin < ValueCounts::bins; ++bin) values.counts[bin] += more.counts[bin];
  values.range = merge(values.range, more.range);
}

double signal_to_noise(const ValueCounts& values, const ElementQuantizer& quantizer) {
  if (values.range.empty()) return std::numeric_limits<double>::infinity();
  return with_quantizer_kind(quantizer, [&](auto rounding, auto arithmetic) {
    double signal = 0.0;
    double noise = 0.0;
    for (std::size_t bin = 0; bin < ValueCounts::bins; ++bin) {
      const std::uint64_t count = values.counts[bin];
      if (count == 0 || !std::isfinite(sample(bin, 0))) continue;
      double squares = 0.0;
      double errors = 0.0;
      for (std::uint32_t i = 0; i < samples; ++i) {
        const float value = std::clamp(sample(bin, i), values.range.min, values.range.max);
        const double error =
            static_cast<double>(value) -
            static_cast<double>(fake_quantize<rounding.value, arithmetic.value>(value, quantizer));
        squares += static_cast<double>(value) * static_cast<double>(value);
        errors += error * error;
      }
      signal += static_cast<double>(count) * squares;
      noise += static_cast<double>(count) * errors;
    }
    if (!(noise > 0.0)) return std::numeric_limits<double>::infinity();
    return 10.0 / std::numbers::ln10 * (search_log(signal) - search_log(noise));
  });
}

}  // namespace qcal
