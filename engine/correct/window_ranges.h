// Which input coordinates meet each offset of a convolution's window.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/graph/graph.h"
#include "kernels/patch_sums_math.h"

namespace qcal {

struct WindowRanges {
  // [spatial axis][offset along it]: the coordinates that this offset multiplies, over all output positions.
  // Positions where it lies in the padding are left out, since they add nothing.
  std::vector<std::vector<CoordinateRange>> axes;
  std::int64_t positions = 0;  // of the output, all spatial axes together
};

// Of `node`, a Conv or ConvTranspose, for an input of that shape, [N, C, spatial...], all known: with
// strides, dilations, pads, auto_pad, output_padding and output_shape. Absent where shapes and attributes do
// not fit together.
std::optional<WindowRanges> window_ranges(const Node& node, const Shape& input, const Shape& weights);

}  // namespace qcal
