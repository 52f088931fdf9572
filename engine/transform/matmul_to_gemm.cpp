#include "engine/transform/matmul_to_gemm.h"

#include "engine/graph/weighted_operator.h"

namespace qcal {

Graph matmuls_to_gemm(Graph graph) {
  for (Node& node : graph.nodes) {
    if (!node.is("MatMul")) continue;
    const auto layer = weighted_operator(graph, node);
    const auto input = graph.info(node.input(0)).shape;
    if (!layer || layer->weights_shape.size() != 2 || !input || input->size() != 2) continue;
    node.original_op = node.op_type;
    node.op_type = "Gemm";
  }
  return graph;
}

}  // namespace qcal
