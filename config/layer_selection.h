// Parts of matching a layer entry against a layer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace qcal {

// What follows the last dot: "Conv2d" of "torch.nn.Conv2d".
std::string_view type_without_module(std::string_view type);

// True where `text` matches `pattern`, in which `*` stands for any run of characters and `?` for any one.
bool matches_glob(std::string_view pattern, std::string_view text);

struct VaiLayerName {
  std::string module_path;
  std::string type;
};

// Splits a vai_q_pytorch layer name: the bracketed names of its scopes are the module path, the last scope's
// class is the type. "ResNet::ResNet/Conv2d[layer1]/BasicBlock[0]/Conv2d[conv1]/input.2" is Conv2d at
// layer1.0.conv1. Empty for anything of another form, and for an operation that belongs to no module of its
// own ("Net::Net/ret.3").
std::optional<VaiLayerName> parse_vai_layer_name(std::string_view name);

}  // namespace qcal
