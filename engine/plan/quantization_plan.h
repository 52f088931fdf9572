// Which tensors get quantized, in which role and with which settings: what a network and a configuration say together.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"

namespace qcal {

// A parameter of the network, normalised to float32, C order.
struct ParameterValues {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

// The two factors of a 32-bit bias' scale: scale = scale of `input` x scale of `weights` (per channel where those are).
struct BiasFactors {
  std::string input;
  std::string weights;
};

struct PlannedTensor {
  std::string name;  // ONNX tensor name; for a parameter, the initializer's
  Role role = Role::activation;
  std::string layer;                   // ONNX node name of the layer that owns it ("" for a graph input)
  std::string layer_type;              // torch name of its type where there is one ("Conv2d"), else the ONNX op type
  std::string layer_op;                // ONNX op type
  std::vector<std::int64_t> shape;     // -1 where unknown; empty where the rank is unknown
  std::optional<int> channel_axis;     // the axis that per_channel means; set whether or not it is asked for
  TensorSettings settings;
  std::optional<ParameterValues> parameter;  // weights and bias
  std::optional<BiasFactors> bias_factors;   // bias whose layer's input and weights are in the plan
};

// Something a user must know about the plan: an op left in float, a subgraph passed over, a switch not applied.
struct PlanNote {
  std::string subject;  // node, tensor or configuration key
  std::string text;
};

// A transform that the configuration asks for and what became of it: "applied", "not applied" or "off".
struct TransformStatus {
  std::string name;  // configuration key
  std::string status;
};

struct QuantizationPlan {
  std::vector<PlannedTensor> tensors;  // in graph order: a layer's input, weights, bias, activation
  std::vector<PlanNote> notes;
  std::vector<TransformStatus> transforms;
};

}  // namespace qcal
