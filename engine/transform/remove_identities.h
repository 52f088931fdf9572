// Removes nodes that pass their input through.
#pragma once

#include "engine/graph/graph.h"

namespace qcal {

// Removes Identity, Dropout at inference, and Cast to the type that its input has. Readers then read the
// input, so an initializer behind an Identity gets its own name back; where the output is a graph output, the
// producer takes over its name. A node stays where its removal would rename what a subgraph reads, or would
// leave a graph output without a producer.
Graph remove_identities(Graph graph);

}  // namespace qcal
