// Output shapes of operators with a window that slides over the spatial axes: convolutions and pools.
#pragma once

#include <optional>

#include "engine/graph/shape_rules.h"

namespace qcal {

// Absent where ranks and attributes do not fit together; -1 for an extent that is not known or not real.
std::optional<Shape> conv_shape(const RuleContext& context);
std::optional<Shape> conv_transpose_shape(const RuleContext& context);
std::optional<Shape> pool_shape(const RuleContext& context);
std::optional<Shape> global_pool_shape(const RuleContext& context);

}  // namespace qcal
