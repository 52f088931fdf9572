// The network with its quantizers in it, in ONNX's QuantizeLinear/DequantizeLinear form.
#pragma once

#include "config/settings.h"
#include "engine/export/quantization_parameters.h"
#include "engine/graph/graph.h"
#include "engine/plan/quantization_plan.h"

namespace qcal {

// `graph` is what was planned, `parameters` what was found for the plan's tensors.
//
// A quantized activation is quantized and dequantized once, ahead of the first node that reads it so; nodes
// that the plan does not list read it in float. Graph outputs keep their names. Weights and biases become
// integers, rounded as their settings say, with a DequantizeLinear; a bias is written in 32 bits with the
// scale input x weights wherever that keeps its value, since integer kernels take no other. Integers of other
// widths than 8, 16 and 32 live in the next larger type, behind a Clip where activations could leave their
// range. A Clip that the quantizer repeats is left out. Roles with datatype float16 or bfloat16 are cast
// there and back.
//
// The opset becomes 13, or 21 where integers have more than 8 bits (raise_opset.h). With opset 21 or below
// nothing but standard operators is used.
Graph quantized_graph(const Graph& graph, const QuantizationPlan& plan,
                      const QuantizationParameters& parameters, Compatibility compatibility);

}  // namespace qcal
