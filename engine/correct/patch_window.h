// How layers with weights see the tensors that they read.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/graph/graph.h"
#include "kernels/patch_sums.h"

namespace qcal {

// Of a Conv or ConvTranspose: inputs are [N, channels, spatial...]. Absent where the shape does not fit.
std::optional<PatchWindow> conv_window(const Node& node, const Shape& batch, const Shape& weights,
                                       std::int64_t channels);

// Of a Gemm (without transA) or MatMul: inputs end in, or consist of, rows of `features` values.
std::optional<PatchWindow> row_window(const Shape& batch, std::int64_t features);

}  // namespace qcal
