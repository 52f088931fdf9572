// What one tensor's settings mean for the collector and the search.
#pragma once

#include <optional>
#include <vector>

#include "config/settings.h"
#include "engine/search/preset.h"
#include "engine/search/search_settings.h"
#include "kernels/collector.h"

namespace qcal {

// Where a tensor stands: what the settings alone do not say.
struct TensorContext {
  Role role = Role::activation;
  std::optional<int> channel_axis;  // read only where the settings say per_channel
  TargetDevice target = TargetDevice::cpu;
  Compatibility compatibility = Compatibility::standard;
  NonFinite non_finite = NonFinite::reject;
};

struct TensorSpec {
  // One, or two where the data decide about the sign: unsigned first, then signed.
  std::vector<SearchSettings> variants;
  CollectSpec collect;
  BatchStatistic statistic = BatchStatistic::max;
  CalibrationScope scope = CalibrationScope::per_batch;
  Compatibility compatibility = Compatibility::standard;

  const Preset& preset() const { return preset_of(compatibility); }
};

// Throws InvalidArgument for per-channel settings without a channel axis.
TensorSpec tensor_spec(const TensorSettings& settings, const TensorContext& context);

// Whether shards of the tensor's batches can be merged: not where a histogram depends on their order.
bool splits(const TensorSpec& spec);

// The kernels' name for a configured round mode.
Rounding rounding_of(RoundMode mode);

}  // namespace qcal
