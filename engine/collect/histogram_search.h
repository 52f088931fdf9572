// A histogram of one's own, searched as a calibration would: for plots, and for statistics that somebody else
// gathered.
#pragma once

#include <cstdint>
#include <vector>

#include "config/settings.h"
#include "engine/search/search_settings.h"
#include "kernels/backend.h"
#include "kernels/histogram.h"
#include "kernels/stream.h"
#include "kernels/tensor_parts.h"

namespace qcal {

// How values are distributed. `histogram` has no bins where all are zero, or none is finite.
struct Distribution {
  ValueRange range;
  Histogram histogram;
};

// 2048 equal bins, as the per_batch scope counts them: of magnitudes for symmetric settings, of values, 0
// included, for others. NaN and infinities are left out. Cost: two passes over the values.
Distribution distribution_of(const TensorParts& values, bool symmetric, const Backend& backend,
                             Stream stream = {});

// counts[i] values in equal part i of [low, high]. Throws InvalidArgument unless there are 1 to 2048 of them,
// one of them not 0, and low <= 0 <= high, low < high.
Distribution distribution_of(std::vector<std::uint64_t> counts, double low, double high);

struct HistogramChoice {
  SearchSettings settings;  // with the sign that the data decided
  ScaleChoice choice;
};

// The scale of one tensor whose only batch is so distributed: that of a calibration of scope per_batch, save
// for diffs, which counts its errors on the histogram, as the accumulated scope does. Standard arithmetic.
// Throws InvalidArgument for symmetric settings on a histogram that goes below 0, and for unsigned symmetric
// ones where the range does.
HistogramChoice search_histogram(const Distribution& distribution, const TensorSettings& settings);

}  // namespace qcal
