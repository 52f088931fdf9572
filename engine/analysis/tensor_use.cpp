#include "engine/analysis/tensor_use.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "engine/collect/channel_quantizers.h"
#include "engine/replay/layer_replay.h"
#include "kernels/channel_blocks.h"

namespace qcal {
namespace {

// The ratio of the largest to the smallest; absent where one is 0 or there are fewer than two.
std::optional<double> ratio(const std::vector<double>& values) {
  if (values.size() < 2) return std::nullopt;
  const auto [low, high] = std::ranges::minmax(values);
  return low > 0.0 ? std::optional(high / low) : std::nullopt;
}

std::optional<double> spread_of_scales(const PerBatch& batches) {
  std::optional<double> widest;
  const std::size_t channels = batches.scale.empty() ? 0 : batches.scale.front().size();
  for (std::size_t channel = 0; channel < channels; ++channel) {
    std::vector<double> scales;
    for (const std::vector<double>& batch : batches.scale) {
      if (channel < batch.size()) scales.push_back(batch[channel]);
    }
    if (const auto found = ratio(scales)) widest = std::max(widest.value_or(1.0), *found);
  }
  return widest;
}

class UseCounter {
 public:
  UseCounter(const TensorParameters& parameters, const Shape& shape, Compatibility compatibility)
      : quantizers_(channel_quantizers(shape, parameters, compatibility).quantizers),
        axis_(parameters.granularity == Granularity::per_channel ? parameters.axis : std::nullopt),
        occurs_(static_cast<std::size_t>(parameters.qmax - parameters.qmin + 1)) {}

  void observe(const TensorParts& batch) {
    largest_ = 0.0F;
    batch.for_each([&](const TensorPart& part) {
      const ChannelReader reader(part.view, axis_);
      const std::size_t first =
          axis_ ? static_cast<std::size_t>(part.origin[static_cast<std::size_t>(*axis_)]) : 0;
      for (std::int64_t channel = 0; channel < reader.channels(); ++channel) {
        const ElementQuantizer& quantizer =
            quantizers_[(first + static_cast<std::size_t>(channel)) % quantizers_.size()];
        for_each_block(reader, channel, 0, reader.elements(),
                       [&](std::span<const float> values) { count(values, quantizer); });
      }
    });
    batches_.push_back(static_cast<double>(largest_));
  }

  void fill(TensorUse& use) const {
    use.values = values_;
    const auto used = static_cast<double>(std::ranges::count(occurs_, std::uint8_t{1}));
    use.levels_used = used / static_cast<double>(occurs_.size());
    if (values_ > 0) use.clipped = static_cast<double>(clipped_) / static_cast<double>(values_);
    if (lowest_ > highest_) return;
    use.lowest = static_cast<double>(lowest_);
    use.highest = static_cast<double>(highest_);
  }
  const std::vector<double>& batches() const { return batches_; }

 private:
  void count(std::span<const float> values, const ElementQuantizer& quantizer) {
    with_quantizer_kind(quantizer, [&](auto rounding, auto arithmetic) {
      const float low = quantizer.lowest - 0.5F;
      const float high = quantizer.highest + 0.5F;
      for (const float value : values) {
        if (!std::isfinite(value)) continue;
        const float level =
            quantize_steps<rounding.value, arithmetic.value>(value, quantizer) - quantizer.lowest;
        occurs_[std::min(static_cast<std::size_t>(level), occurs_.size() - 1)] = 1;
        const float steps = arithmetic.value == StepArithmetic::divide ? value / quantizer.step_factor
                                                                       : value * quantizer.step_factor;
        clipped_ += steps < low || steps > high ? 1 : 0;
        lowest_ = std::min(lowest_, value);
        highest_ = std::max(highest_, value);
        largest_ = std::max(largest_, std::fabs(value));
        ++values_;
      }
    });
  }

  std::vector<ElementQuantizer> quantizers_;
  std::optional<int> axis_;
  std::vector<std::uint8_t> occurs_;  // an integer each, 1 where it occurs
  std::uint64_t values_ = 0;
  std::uint64_t clipped_ = 0;
  float lowest_ = std::numeric_limits<float>::infinity();
  float highest_ = -std::numeric_limits<float>::infinity();
  float largest_ = 0.0F;         // magnitude in this batch
  std::vector<double> batches_;  // largest magnitude of each
};

}  // namespace

std::optional<TensorUse> tensor_use(const TensorParameters& parameters, const PlannedTensor& planned,
                                    const DumpSource& dumps, std::size_t most_batches,
                                    Compatibility compatibility) {
  TensorUse use{.tensor = parameters.name,
                .layer = parameters.layer,
                .role = parameters.role,
                .bit_width = parameters.bit_width,
                .is_signed = parameters.is_signed};
  UseCounter counter(parameters, planned.shape, compatibility);
  if (planned.parameter) {
    const TensorView values = values_of(planned);
    counter.observe(WholeTensor(values));
    counter.fill(use);
    return use;
  }
  if (!dumps.contains(parameters.name)) return std::nullopt;
  for (const std::size_t index : spread_batches(dumps.batches(parameters.name), most_batches))
    counter.observe(*dumps.parts(parameters.name, index));
  counter.fill(use);
  use.spread = spread_of_scales(parameters.per_batch);
  if (parameters.per_batch.scale.empty()) use.spread = ratio(counter.batches());
  return use;
}

}  // namespace qcal
