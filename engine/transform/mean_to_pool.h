// One spelling for the mean over an image.
#pragma once

#include "engine/graph/graph.h"

namespace qcal {

// ReduceMean over all spatial axes (2 and up) becomes GlobalAveragePool, followed by Flatten where it dropped
// the axes.
Graph means_to_pools(Graph graph);

}  // namespace qcal
