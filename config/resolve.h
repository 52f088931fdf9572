// Which settings a layer's tensors have, after every override that applies to it.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"

namespace qcal {

// The names under which a configuration may select a layer.
struct LayerIdentity {
  std::string name;                // ONNX node name, e.g. "/layer1/layer1.0/conv1/Conv"
  std::string module_path;         // dotted torch module path, e.g. "layer1.0.conv1"; empty if unknown
  std::vector<std::string> types;  // every name of its type, e.g. {"Conv", "Conv2d"}
};

// True where `entry` selects `layer`: by type (with or without "torch.nn.", case kept), by ONNX node name, by
// vai_q_pytorch name ("ResNet::ResNet/Conv2d[conv1]/input.2": its module path and type), or by a glob
// of the ONNX node name (`*`, `?`). An entry with both type and name counts as type.
bool selects(const LayerEntry& entry, const LayerIdentity& layer);

// Settings of all four roles for `layer`. Precedence, weakest first: the model's settings, entries that match
// by type, entries that match by name; among equals the later entry wins; inside an entry
// `overall_quantize_config`, then `tensor_quantize_config`. An entry changes only the roles in its
// `quantizable_data_type`, and there only the settings that it has.
//
// Compatibility::vitis: at most one entry counts for a role, the last that matches by name, else by type. A
// name entry that does not list a parameter's role leaves it as in the model, whatever a type entry says.
RoleSettings resolve(const Configuration& configuration, const LayerIdentity& layer);

}  // namespace qcal
