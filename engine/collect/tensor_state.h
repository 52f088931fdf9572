// What a calibration knows about a tensor before its search ends: a value that can be kept, sent and merged.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "engine/collect/index_set.h"
#include "engine/search/search_settings.h"
#include "kernels/collector.h"

namespace qcal {

// What one batch says under each variant of the settings: [variant][channel]; a variant that the data rule
// out is empty.
struct BatchChoices {
  bool negatives = false;
  std::vector<std::vector<ScaleChoice>> variants;
  bool operator==(const BatchChoices&) const = default;
};

struct TensorState {
  IndexSet seen;
  // Per-batch scope: by index, without the batches that hold no value.
  std::map<std::int64_t, BatchChoices> batches;
  std::uint64_t elements = 0;
  std::uint64_t non_finite = 0;
  // Accumulated scope: of all batches together, without what was left out of which of them.
  std::optional<Summary> accumulated;
};

}  // namespace qcal
