// Replaces If nodes whose condition is a constant by the branch that is taken.
#pragma once

#include "engine/graph/graph.h"

namespace qcal {

// The nodes of the taken branch become nodes of the graph and a note tells so; inner names that the graph
// already has are replaced. An If whose branch holds subgraphs and needs new names stays.
Graph inline_constant_ifs(Graph graph);

}  // namespace qcal
