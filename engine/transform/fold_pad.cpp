#include "engine/transform/fold_pad.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "engine/graph/array_ops.h"
#include "engine/graph/graph_index.h"

namespace qcal {
namespace {

using Integers = std::vector<std::int64_t>;

bool pads_with_zero(const Graph& graph, const Node& pad) {
  if (pad.text("mode", "constant") != "constant") return false;
  if (graph.opset < 11) return pad.real("value", 0.0F) == 0.0F;
  if (pad.input(2).empty()) return true;
  const Constant* value = graph.constant(pad.input(2));
  return value && value->reals() && value->reals()->size() == 1 && value->reals()->front() == 0.0F;
}

std::optional<Integers> constant_integers(const Graph& graph, const std::string& name) {
  const Constant* constant = graph.constant(name);
  return constant && constant->integers() ? std::optional(*constant->integers()) : std::nullopt;
}

// Begins and ends of the spatial axes of an input of `rank` axes, laid out like a convolution's `pads`.
std::optional<Integers> spatial_pads(const Graph& graph, const Node& pad, std::size_t rank) {
  const auto pads = graph.opset < 11 ? pad.integers("pads") : constant_integers(graph, pad.input(1));
  if (!pads || rank < 3) return std::nullopt;
  Integers axes(rank);
  std::iota(axes.begin(), axes.end(), 0);
  if (!pad.input(3).empty()) {
    const auto chosen = constant_integers(graph, pad.input(3));
    if (!chosen) return std::nullopt;
    axes = *chosen;
  }
  if (pads->size() != 2 * axes.size()) return std::nullopt;
  Integers result(2 * (rank - 2), 0);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = normalised_axis(axes[i], rank);
    const std::int64_t begin = (*pads)[i];
    const std::int64_t end = (*pads)[i + axes.size()];
    if (!axis || begin < 0 || end < 0 || begin > 1 << 20 || end > 1 << 20) return std::nullopt;
    if (*axis < 2) {
      if (begin != 0 || end != 0) return std::nullopt;
      continue;
    }
    result[*axis - 2] = begin;
    result[*axis - 2 + rank - 2] = end;
  }
  return result;
}

void fold_into(Graph& graph, Node& conv, const Node& pad) {
  const auto weights = graph.info(conv.input(1)).shape;
  const std::string mode = conv.text("auto_pad", "NOTSET");
  if (!weights || (mode != "NOTSET" && mode != "VALID" && !mode.empty())) return;
  if (!pads_with_zero(graph, pad)) return;
  const auto added = spatial_pads(graph, pad, weights->size());
  if (!added) return;
  Integers pads(added->size(), 0);
  if (mode != "VALID") pads = conv.integers("pads").value_or(pads);
  if (pads.size() != added->size()) return;
  if (std::ranges::any_of(pads, [](std::int64_t x) { return x < 0 || x > 1 << 20; })) return;
  std::ranges::transform(pads, *added, pads.begin(), std::plus<>());
  conv.attributes.insert_or_assign("pads", std::move(pads));
  conv.attributes.erase("auto_pad");
  conv.inputs[0] = pad.input(0);
}

}  // namespace

Graph fold_pads(Graph graph) {
  const GraphIndex index(graph);
  for (Node& node : graph.nodes) {
    if (!node.is("Conv")) continue;
    const auto producer = index.producer(node.input(0));
    if (producer && graph.nodes[*producer].is("Pad")) fold_into(graph, node, graph.nodes[*producer]);
  }
  return graph;
}

}  // namespace qcal
