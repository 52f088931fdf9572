// What changed between two calibrations.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/export/quantization_parameters.h"

namespace qcal {

struct Difference {
  enum class Kind {
    only_in_first,  // the whole tensor; the fields below are empty
    only_in_second,
    setting,  // what was asked for: bit_width, method, ...
    result,   // what was found: scale, zero_point, amax, ...
  };
  std::string layer;
  std::string layer_type;
  std::string tensor;
  Role role = Role::activation;
  Kind kind = Kind::setting;
  std::string
      field;  // "bit_width", "scale"; of several channels the one that changed most is shown: "scale[3]"
  std::string before;  // as written in quant_params.json
  std::string after;
  std::optional<double>
      relative_change;               // (after - before) / |before|; of real numbers, where before is not 0
  std::size_t changed_channels = 0;  // of a result; 1 for a per-tensor one
  std::size_t channels = 0;
};

// In the order of the network: `first`'s, with what only `second` has after what precedes it there; within a
// tensor settings come first. Tensors correspond by name, role and layer. What each batch gave is left out:
// it only explains the result. Values are compared exactly.
std::vector<Difference> compare_parameters(const QuantizationParameters& first,
                                           const QuantizationParameters& second);

// For people: a paragraph a layer; "identical" where there is no difference. Ends with a line feed.
std::string differences_text(const std::vector<Difference>& differences);

}  // namespace qcal
