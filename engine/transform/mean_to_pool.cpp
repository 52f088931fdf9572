#include "engine/transform/mean_to_pool.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "engine/graph/array_ops.h"
#include "engine/graph/fresh_names.h"

namespace qcal {
namespace {

bool reduces_all_spatial_axes(const Graph& graph, const Node& mean) {
  const auto input = graph.info(mean.input(0)).shape;
  if (!mean.is("ReduceMean") || !input || input->size() < 3) return false;
  const auto axes = axes_argument(mean, [&](std::size_t index) -> std::optional<std::vector<std::int64_t>> {
    const Constant* constant = graph.constant(mean.input(index));
    return constant && constant->integers() ? std::optional(*constant->integers()) : std::nullopt;
  });
  if (!axes) return false;
  std::vector<bool> reduced(input->size(), false);
  for (const std::int64_t value : *axes) {
    const auto axis = normalised_axis(value, input->size());
    if (!axis) return false;
    reduced[*axis] = true;
  }
  return !reduced[0] && !reduced[1] &&
         std::all_of(reduced.begin() + 2, reduced.end(), [](bool r) { return r; });
}

}  // namespace

Graph means_to_pools(Graph graph) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!reduces_all_spatial_axes(graph, graph.nodes[i])) continue;
    const bool keeps_axes = graph.nodes[i].integer("keepdims", 1) != 0;
    Node pool = graph.nodes[i];
    pool.original_op = pool.op_type;
    pool.op_type = "GlobalAveragePool";
    pool.attributes.clear();
    pool.inputs.resize(1);
    if (!keeps_axes) {
      Node flatten;
      flatten.name = pool.name + "/Flatten";
      flatten.op_type = "Flatten";
      flatten.module_path = pool.module_path;
      flatten.outputs = pool.outputs;
      pool.outputs = {unused_name(graph, pool.output(0) + ".pooled")};
      flatten.inputs = pool.outputs;
      graph.nodes.insert(graph.nodes.begin() + std::ptrdiff_t(i) + 1, std::move(flatten));
    }
    graph.nodes[i] = std::move(pool);
  }
  return graph;
}

}  // namespace qcal
