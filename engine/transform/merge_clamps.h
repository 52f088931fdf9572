// One spelling for values that are kept inside an interval.
#pragma once

#include "engine/graph/graph.h"

namespace qcal {

// Relu, Clip, and Min or Max with a constant (see clamp.h) that follow each other, each read by the next
// alone, become one Relu or Clip with the last one's name and output. So a ReLU6 that was written as Relu and
// Min is the Clip that others write.
Graph merge_clamps(Graph graph);

}  // namespace qcal
