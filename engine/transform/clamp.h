// The operators that keep values inside an interval, seen alike: Relu, Clip, and Min or Max with a constant.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "engine/graph/graph.h"

namespace qcal {

// y = min(upper, max(lower, x)), with lower <= upper. Bounds have one value, or one a channel (axis 1);
// infinite where there is none.
//
// A Clip whose bound has one value a channel is a form of ours, which ReLU6 takes when its channels are
// rescaled: ONNX has no such operator, so a writer must spell it Relu (or Max) and Min.
struct Clamp {
  std::string input;
  std::vector<float> lower;
  std::vector<float> upper;
};

// Absent where `node` is no such node: another operator, bounds that are no constants of real numbers, that
// vary along another axis than 1 or differ in how many channels they have.
std::optional<Clamp> clamp_of(const Graph& graph, const Node& node);

// Of the bounds: 1 where all channels have the same.
std::size_t channels(const Clamp& clamp);

// `first`, then `second`: again a clamp. Absent where their bounds have different numbers of channels.
std::optional<Clamp> chained(const Clamp& first, const Clamp& second);

bool is_relu(const Clamp& clamp);
bool is_relu6(const Clamp& clamp);

// Makes `node`, whose data have `rank` axes, the clamp: Relu where it is one, else Clip with constants for
// its bounds, whatever the opset. Bounds a channel are laid out along axis 1.
void set_clamp(Graph& graph, Node& node, const Clamp& clamp, std::size_t rank);

}  // namespace qcal
