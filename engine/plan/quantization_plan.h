// Which tensors get quantized, in which role and with which settings: what a network and a configuration say
// together.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "engine/graph/graph.h"
#include "kernels/tensor_view.h"

namespace qcal {

// The two factors of a 32-bit bias' scale: scale = scale of `input` x scale of `weights` (per channel where
// those are).
struct BiasFactors {
  std::string input;
  std::string weights;
};

struct PlannedTensor {
  std::string name;  // ONNX tensor name; for a parameter, the initializer's. No two tensors have one name
  Role role = Role::activation;
  std::string layer;       // ONNX node name of the layer that owns it ("" for a graph input)
  std::string layer_type;  // torch name of its type where there is one ("Conv2d"), else the ONNX op type
  std::string layer_op;    // ONNX op type
  std::vector<std::int64_t> shape;  // -1 where unknown; empty where the rank is unknown
  std::optional<int> channel_axis;  // the axis that per_channel means; set whether or not it is asked for
  TensorSettings settings;
  ConstantPointer parameter;  // of weights and bias the graph's constant, of reals; else null
  // Of a bias whose layer's input and weights are in the plan as integers.
  std::optional<BiasFactors> bias_factors;
  // Nodes that read this tensor in quantized form. Of a parameter: the owner, then others that share it under
  // the same settings. Of an activation or input: what the placement says; all others read it in float.
  std::vector<std::string> readers;
  bool is_graph_output = false;  // an activation that the network hands out in quantized form
  // An activation that placement `fused` adds for the integer kernel that makes it; it is left in float where
  // that costs more than the plan's min_output_sqnr allows.
  bool only_for_kernels = false;
  // The tensor before it in the plan whose parameters are its own too, since all its values are among that
  // one's; it is not calibrated, and only bias correction looks at it. Empty for every other tensor.
  std::string same_as;
  // A parameter shared by layers with different settings is in the plan once for each: the first under its
  // own name, the others under names of their own, with the name in the graph here. Empty for every other
  // tensor.
  std::string decoupled_from;
};

// The values of a parameter: float32 in host memory, C order.
TensorView values_of(const PlannedTensor& parameter);

// Something a user must know about the plan: an op left in float, a subgraph passed over, a switch not
// applied.
struct PlanNote {
  std::string subject;  // node, tensor or configuration key
  std::string text;
};

// A transform that the configuration asks for and what became of it: "applied", "not applied" or "off".
struct TransformStatus {
  std::string name;  // configuration key
  std::string status;
  std::vector<std::string> details = {};  // what it did, a line each
};

struct QuantizationPlan {
  std::vector<PlannedTensor> tensors;  // in graph order: a layer's input, weights, bias, activation
  Sourced<Placement> placement{};      // the policy that chose the inputs and activations among them
  Sourced<double> min_output_sqnr{};   // dB that quantizing a tensor that is only_for_kernels must leave
  std::vector<std::string> left_out;   // inputs and activations that it leaves in float
  std::vector<PlanNote> notes;
  std::vector<TransformStatus> transforms;
};

// Plans `graph`, which must be normalised (engine/transform/normalise.h), under `configuration`.
//
// In the plan are graph inputs, the weights and biases of quantized layers, and the activations that the
// placement picks, each where quantizable_data_type lists its role. Tensors that stay in float by `datatype`,
// by keep_first_last_layer_accuracy or by keep_add_layer_accuracy are in the plan with a datatype other than
// integer.
//
// channel_axis of weights: 0 for Conv and for Gemm with transB, 1 for ConvTranspose and for Gemm without, the
// last axis for MatMul; of a bias: its last axis; of activations: see channel_axis.h.
QuantizationPlan make_plan(const Graph& graph, const Configuration& configuration);

// Leaves `tensor`, an activation of the plan, in float, as `source` asks. What shared its parameters has them
// as its own.
void leave_in_float(QuantizationPlan& plan, std::string_view tensor, const Source& source);

// The tensors that `layer` owns or reads as a parameter that it shares, without the plan's notes and
// transforms. Empty where the plan has no such layer.
QuantizationPlan plan_of_layer(const QuantizationPlan& plan, std::string_view layer);

// Names of the tensors that a dump should hold: inputs and activations with an integer datatype, in plan
// order.
std::vector<std::string> tensors_to_record(const QuantizationPlan& plan);

}  // namespace qcal
