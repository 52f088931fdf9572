// Computes what does not depend on the network's inputs.
#pragma once

#include <cstdint>

#include "engine/graph/graph.h"

namespace qcal {

// Replaces nodes whose inputs are all constants by constants of their output's name: what exporters put
// between an initializer and the operator that reads it (Cast, CastLike, Reshape, Transpose, Expand, Shape of
// a constant, Concat, Slice, Gather, Range, ConstantOfShape, arithmetic...). Computed as ONNX defines it, so
// the network stays the same.
//
// A result of more than `element_limit` elements and of more than its inputs have is left to the run time, as
// are graph outputs and operators that are not known here.
Graph fold_constants(Graph graph, std::uint64_t element_limit = std::uint64_t{1} << 20);

}  // namespace qcal
