// From what an exporter leaves behind, the dotted path of the torch module that a node came from.
#pragma once

#include <string>
#include <string_view>

namespace qcal {

// TorchScript exporter: "/layer1/layer1.0/conv1/Conv" was exported from module "layer1.0.conv1". A component
// that repeats the one before it ("layer1.0" after "layer1") replaces it. "" for names of another form.
std::string module_path_from_node_name(std::string_view name);

// Dynamo exporter: metadata pkg.torch.onnx.name_scopes "['', 'layer1', 'layer1.0', 'layer1.0.conv1',
// 'conv2d_1']" lists the enclosing modules and last the operation: "layer1.0.conv1". "" where it lists fewer
// than two.
std::string module_path_from_name_scopes(std::string_view name_scopes);

// Any torch exporter that keeps parameter names: "layer1.0.conv1.weight" belongs to module "layer1.0.conv1".
std::string module_path_from_parameter(std::string_view name);

}  // namespace qcal
