// What folds of one operator into the one before it have in common.
#pragma once

#include <string_view>

#include "engine/graph/graph.h"
#include "engine/graph/graph_index.h"

namespace qcal {

// Changes `node`, and the constants that it reads, so that it also does the work of `reader`; false where it
// cannot.
using FoldInto = bool (*)(Graph& graph, const GraphIndex& index, Node& node, const Node& reader);

// Offers every `op` that alone reads the first output of a node to `fold`, and removes those that were
// folded.
Graph fold_readers(Graph graph, std::string_view op, FoldInto fold);

}  // namespace qcal
