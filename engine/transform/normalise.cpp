#include "engine/transform/normalise.h"

#include <cstddef>
#include <utility>

#include "engine/graph/constant_folding.h"
#include "engine/graph/shape_inference.h"
#include "engine/transform/drop_dead_nodes.h"
#include "engine/transform/fold_batch_norm.h"
#include "engine/transform/fold_constant_add.h"
#include "engine/transform/fold_pad.h"
#include "engine/transform/inline_constant_if.h"
#include "engine/transform/matmul_to_gemm.h"
#include "engine/transform/mean_to_pool.h"
#include "engine/transform/merge_clamps.h"
#include "engine/transform/remove_identities.h"

namespace qcal {
namespace {

// Applies `step` until the number of nodes stays; every step that finds something to do removes a node.
template <class Step>
Graph until_stable(Graph graph, Step step) {
  for (std::size_t before = graph.nodes.size() + 1; graph.nodes.size() != before;) {
    before = graph.nodes.size();
    graph = step(std::move(graph));
  }
  return graph;
}

// Folding makes shapes known, known shapes become constants, and constants can decide an If.
Graph simplify_constants(Graph graph) {
  graph = inline_constant_ifs(std::move(graph));
  graph = remove_identities(std::move(graph));
  graph = fold_constants(std::move(graph));
  graph = infer_shapes(std::move(graph));
  return drop_dead_nodes(std::move(graph));
}

Graph fold_affine_operators(Graph graph) {
  graph = fold_batch_norms(std::move(graph));
  return fold_constant_adds(std::move(graph));
}

}  // namespace

Graph normalise(Graph graph) {
  graph = until_stable(std::move(graph), simplify_constants);
  graph = means_to_pools(std::move(graph));
  graph = fold_pads(std::move(graph));
  graph = matmuls_to_gemm(std::move(graph));
  graph = until_stable(std::move(graph), fold_affine_operators);
  graph = merge_clamps(std::move(graph));
  return drop_dead_nodes(infer_shapes(std::move(graph)));
}

}  // namespace qcal
