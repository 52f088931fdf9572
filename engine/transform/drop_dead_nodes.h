// Removes what no graph output depends on.
#pragma once

#include "engine/graph/graph.h"

namespace qcal {

// Nodes and constants that no graph output depends on, also not through a subgraph, are removed.
Graph drop_dead_nodes(Graph graph);

}  // namespace qcal
