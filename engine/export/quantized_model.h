// quantized.onnx: the network that runs in integers.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/settings.h"
#include "engine/correct/bias_correction.h"
#include "engine/export/quantization_parameters.h"
#include "engine/graph/graph.h"
#include "engine/graph/onnx_writer.h"
#include "engine/plan/quantization_plan.h"

namespace qcal {

// What the network is made of and what was found for it.
struct QuantizedNetwork {
  const std::filesystem::path& file;
  const Graph& as_read;  // from `file`
  const Graph& graph;    // normalised, transformed and planned
  const QuantizationPlan& plan;
  const QuantizationParameters& parameters;
  const std::vector<BiasCorrection>& bias_corrections;
  Compatibility compatibility = Compatibility::standard;
};

// The bytes of an ONNX file (see qdq_graph.h), with the bias corrections that were kept; a layer without a
// bias gets one for its own, in float. What exceeds the 2 GiB of a file is for one named `data_file` beside
// it. Throws InputError where the network cannot be written.
OnnxFiles quantized_model(const QuantizedNetwork& network, const std::string& data_file);

}  // namespace qcal
