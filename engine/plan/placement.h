// Which activations get quantized, and for whom: the policies that a configuration's `placement` names.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/settings.h"
#include "engine/graph/graph.h"
#include "engine/graph/graph_index.h"
#include "engine/plan/groups.h"

namespace qcal {

// An activation that can get a quantizer, and whose settings it takes.
struct QuantizedActivation {
  std::string tensor;
  std::size_t layer = 0;  // node that owns it; in the plan it stands with this node's tensors
  std::vector<std::size_t>
      members;               // nodes under whose names and types its settings may be given, `layer` first
  bool feeds_layer = false;  // it is an input of `layer`, not its result
};

// What all policies start from.
struct PlacementInput {
  const Graph& graph;
  const GraphIndex& index;
  const std::vector<Group>& groups;
  const std::set<std::size_t>& float_layers;  // heads of groups that a switch leaves in float
};

// Who takes a quantized tensor in its quantized form; everyone else reads it in float.
struct QuantizedReaders {
  std::set<std::size_t> nodes;    // that read the tensor, or a rearrangement of it
  bool graph_output = false;      // the graph hands it out, itself or rearranged
  bool only_for_kernels = false;  // no convolution or matrix product reads it
};

// Quantized tensors by name.
using Placed = std::map<std::string, QuantizedReaders>;

// Whether every value of the node's result is one of its first input's: a maximum, a nearest neighbour.
// Integer kernels want one scale for both.
bool selects_values(const Node& node);

// The member of `quantized` that `tensor` is, or is a rearrangement of: shape operators keep a quantized
// tensor quantized, so the search goes up through them. Absent where it meets none.
std::optional<std::string> quantized_source(const Graph& graph, const GraphIndex& index,
                                            const std::set<std::string>& quantized, std::string tensor);

// Decides for the tensors of `candidates` (graph inputs, and the activations that groups quantize):
//
// groups   all of them, for every operator, except results that feed nothing but Concat: there the result of
//          the Concat has the only quantizer, since all that meet in it must have its scale. The system of
//          vai_q_pytorch; a DPU computes on nothing else.
// compute  those that convolutions and matrix products read, for these alone; and both operands of an Add
//          where both are quantized anyway. Everything between stays in float: the most accurate.
// fused    those of `compute` and the results of convolutions, for every operator: integer kernels need the
//          quantizer on their output. Graph outputs stay in float. A result that no product reads is
//          quantized for the kernel that makes it alone: what that costs is weighed when it is known
//          (costly_outputs.h).
//
// Layers that a switch leaves in float read no quantized tensor. What a policy leaves out is absent.
Placed place(Placement policy, const PlacementInput& input, const std::set<std::string>& candidates);

}  // namespace qcal
