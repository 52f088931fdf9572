// The changes that the configuration asks for: convert_relu6_to_relu and include_cle.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/settings.h"
#include "engine/graph/graph.h"

namespace qcal {

struct TransformedNetwork {
  Graph graph;
  // Tensor -> what its values are divided by, compared with the network before; one number along axis 1.
  std::map<std::string, std::vector<float>, std::less<>> divisors;
  // Outputs of ReLU6 that became ReLU: where values exceed 6, the network computes something else than
  // before.
  std::vector<std::string> unclipped;
  // Outputs of ReLU6 that keep their bound, but now one a channel.
  std::vector<std::string> bounded;
};

// Applies to a normalised graph what `configuration` asks for and what the graph did not already go through,
// and notes it in Graph::transforms. Every ReLU6 becomes ReLU where convert_relu6_to_relu asks for it; ahead
// of equalization those between two equalized layers for target DPU, and all with Compatibility::vitis.
// Otherwise equalization keeps it exact by a bound a channel.
TransformedNetwork transform_network(Graph graph, const Configuration& configuration);

// Makes ReLU of those `bounded` ReLU6 whose bound no value reaches: the network computes the same for such
// values, and a device fuses ReLU where it does not fuse Min. Noted with include_cle in Graph::transforms.
TransformedNetwork without_bounds(TransformedNetwork network, const std::vector<std::string>& unreached);

}  // namespace qcal
