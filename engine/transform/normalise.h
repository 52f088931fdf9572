// Brings the many spellings of one network to one.
#pragma once

#include "engine/graph/graph.h"

namespace qcal {

// Applies every exact simplification until nothing changes: constants folded, shapes inferred, If with a
// constant condition inlined, Identity and Dropout removed, BatchNormalization folded, constant Add into
// bias, Pad into convolutions, MatMul to Gemm, ReduceMean over the image to GlobalAveragePool, chains of
// Relu, Clip, Min and Max to one, dead nodes dropped.
//
// Tensors that remain keep their names, except where one of the headers of these steps says otherwise; a
// network that is in this form already is returned unchanged. Float results may differ in the last bits where
// parameters were combined.
Graph normalise(Graph graph);

}  // namespace qcal
