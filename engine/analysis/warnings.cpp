#include "engine/analysis/warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

#include "config/setting_names.h"
#include "kernels/channel_blocks.h"

namespace qcal {
namespace {

constexpr double widest_channel_ratio = 16.0;
constexpr double clipping_slack = 2.0;  // batches differ, and the share is found over all of them

// As the configuration would select it: "weights of /conv1/Conv", "input x".
std::string subject(const TensorUse& use) {
  const std::string_view role = spelling(use.role);
  return use.layer.empty() ? fmt::format("{} {}", role, use.tensor)
                           : fmt::format("{} of {}", role, use.layer);
}

// The largest range of a channel over the smallest, of channels that are not all zero.
double channel_ratio(const PlannedTensor& weights) {
  const TensorView view = values_of(weights);
  const ChannelReader reader(view, weights.channel_axis);
  float smallest = std::numeric_limits<float>::infinity();
  float largest = 0.0F;
  for (std::int64_t channel = 0; channel < reader.channels(); ++channel) {
    float range = 0.0F;
    for_each_block(reader, channel, 0, reader.elements(), [&](std::span<const float> values) {
      for (const float value : values) range = std::max(range, std::fabs(value));
    });
    if (range == 0.0F) continue;
    smallest = std::min(smallest, range);
    largest = std::max(largest, range);
  }
  return largest > 0.0F ? static_cast<double>(largest) / static_cast<double>(smallest) : 1.0;
}

std::optional<std::string> wasted_sign(const TensorParameters& tensor, const TensorUse& use,
                                       TargetDevice target) {
  if (tensor.role == Role::weights || tensor.role == Role::bias) return std::nullopt;
  if (target == TargetDevice::dpu || !tensor.is_signed || !tensor.symmetric) return std::nullopt;
  if (use.lowest < 0.0 || use.highest <= 0.0) return std::nullopt;
  return fmt::format(
      "{}: signed and symmetric, but never negative: half of its integers are idle; \"signed\": \"auto\" "
      "uses them (2 to 6 dB){}",
      subject(use), target == TargetDevice::gpu ? ", where the runtime takes uint8: TensorRT does not" : "");
}

std::optional<std::string> uneven_channels(const TensorParameters& tensor, const PlannedTensor& planned,
                                           const TensorUse& use, TargetDevice target) {
  if (tensor.role != Role::weights || tensor.granularity == Granularity::per_channel) return std::nullopt;
  if (!planned.parameter || !planned.channel_axis) return std::nullopt;
  const double ratio = channel_ratio(planned);
  if (ratio <= widest_channel_ratio) return std::nullopt;
  return fmt::format("{}: one scale for channels whose ranges differ {:.0f} times; {}", subject(use), ratio,
                     target == TargetDevice::dpu ? "\"include_cle\": true evens them out where it can"
                                                 : "\"per_channel\": true gives each its own");
}

std::optional<std::string> much_clipping(const TensorParameters& tensor, const PlannedTensor& planned,
                                         const TensorUse& use) {
  if (tensor.method != Method::percentile) return std::nullopt;
  const double percentage = planned.settings.percentage.value;
  const double share = 1.0 - percentage / 100.0;
  if (use.clipped <= clipping_slack * share) return std::nullopt;
  return fmt::format(
      "{}: percentile {} should clip {:.2g}% of the values, and clips {:.2g}%: its batches differ; "
      "\"calib_scope\": \"accumulated\" or a larger \"percentage\" clips less",
      subject(use), percentage, 100.0 * share, 100.0 * use.clipped);
}

std::string rejected(const BiasCorrection& correction) {
  std::string text =
      fmt::format("{}: its bias correction was not kept: {}", correction.layer, correction.reason);
  if (correction.held_back > 0) {
    text += fmt::format(" ({} of {}); record more samples, or set \"include_bias_corr\": false",
                        correction.held_back, correction.samples);
  }
  return text;
}

}  // namespace

std::vector<std::string> analysis_warnings(const QuantizationPlan& plan,
                                           const QuantizationParameters& parameters, TargetDevice target,
                                           const std::vector<TensorUse>& uses,
                                           const std::vector<BiasCorrection>& corrections) {
  std::vector<std::string> warnings;
  for (const TensorUse& use : uses) {
    const auto tensor = std::ranges::find(parameters.tensors, use.tensor, &TensorParameters::name);
    const auto planned = std::ranges::find(plan.tensors, use.tensor, &PlannedTensor::name);
    for (auto& warning : {wasted_sign(*tensor, use, target), uneven_channels(*tensor, *planned, use, target),
                          much_clipping(*tensor, *planned, use)}) {
      if (warning) warnings.push_back(*warning);
    }
  }
  for (const BiasCorrection& correction : corrections) {
    if (!correction.kept) warnings.push_back(rejected(correction));
  }
  return warnings;
}

}  // namespace qcal
