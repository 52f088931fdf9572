// Quantization groups: an operator with what is fused after it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/graph_index.h"

namespace qcal {

struct Group {
  std::size_t head = 0;              // the quantized operator
  std::vector<std::size_t> members;  // head first, then what is fused, in graph order
  std::string output;                // the tensor at the end of the group, which its quantizer sits on
};

// One group a quantized operator with a real result, in graph order. Activation and shape operators join the
// group whose end they alone read, as long as that is no graph output; an operator with several outputs
// (Split) does not, since the quantizer belongs before it.
std::vector<Group> form_groups(const Graph& graph, const GraphIndex& index);

}  // namespace qcal
