// Padding with zeros ahead of a convolution is the convolution's own padding.
#pragma once

#include "engine/graph/graph.h"

namespace qcal {

// Convolutions that read the output of a Pad (constant mode, value 0, spatial axes only, nothing cut off)
// read the Pad's input instead and pad by themselves. The Pad is left for other readers; drop_dead_nodes
// removes it otherwise.
Graph fold_pads(Graph graph);

}  // namespace qcal
