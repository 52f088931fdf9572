// Shapes of the operators that only arrange elements: their values stay, or are repeated or left out.
#pragma once

#include <optional>
#include <vector>

#include "engine/graph/shape_rules.h"

namespace qcal {

// Each gives the shape of its node's first output (split_shapes: of all), -1 where an extent is unknown;
// nothing where the rank is, or where shapes and attributes do not fit together.
std::optional<Shape> flatten_shape(const RuleContext& context);
std::optional<Shape> reshape_shape(const RuleContext& context);
std::optional<Shape> transpose_shape(const RuleContext& context);
std::optional<Shape> squeeze_shape(const RuleContext& context);
std::optional<Shape> unsqueeze_shape(const RuleContext& context);
std::optional<Shape> concat_shape(const RuleContext& context);
std::optional<Shape> slice_shape(const RuleContext& context);
std::optional<Shape> gather_shape(const RuleContext& context);
std::optional<Shape> expand_shape(const RuleContext& context);
std::optional<Shape> tile_shape(const RuleContext& context);
std::optional<Shape> depth_to_space_shape(const RuleContext& context);
std::vector<std::optional<Shape>> split_shapes(const RuleContext& context);

}  // namespace qcal
