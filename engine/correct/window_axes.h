// The geometry of a convolution along its spatial axes, with its attributes resolved.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/graph/graph.h"

namespace qcal {

struct WindowAxis {
  std::int64_t input = 0;
  std::int64_t output = 0;
  std::int64_t kernel = 0;
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t pad_before = 0;
  std::int64_t reach() const { return dilation * (kernel - 1) + 1; }
};

// Of `node`, a Conv or ConvTranspose, for an input of that shape, [N, C, spatial...], all known: with
// strides, dilations, pads, auto_pad, output_padding and output_shape. Absent where shapes and attributes do
// not fit together.
std::optional<std::vector<WindowAxis>> window_axes(const Node& node, const Shape& input,
                                                   const Shape& weights);

}  // namespace qcal
