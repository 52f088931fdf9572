#include "engine/plan/channel_axis.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace qcal {
namespace {

std::optional<std::size_t> rank_of(const Graph& graph, const std::string& tensor) {
  const auto shape = graph.info(tensor).shape;
  return shape ? std::optional(shape->size()) : std::nullopt;
}

std::optional<int> second_axis(std::optional<std::size_t> rank) {
  if (!rank) return 1;
  if (*rank == 0) return std::nullopt;
  return std::min(1, static_cast<int>(*rank) - 1);
}

std::optional<int> last_axis(std::optional<std::size_t> rank) {
  if (!rank || *rank == 0) return std::nullopt;
  return static_cast<int>(*rank) - 1;
}

bool puts_channels_last(const Node& node) {
  return node.is("MatMul") || node.is("LayerNormalization");
}

bool puts_channels_second(const Node& node) {
  static const std::vector<std::string> operators{"Conv",          "ConvTranspose",     "Gemm",
                                                  "MaxPool",       "AveragePool",       "GlobalAveragePool",
                                                  "GlobalMaxPool", "BatchNormalization"};
  return node.domain.empty() && std::ranges::find(operators, node.op_type) != operators.end();
}

}  // namespace

std::map<std::string, int> activation_channel_axes(const Graph& graph) {
  std::map<std::string, int> axes;
  const auto record = [&](const std::string& tensor, std::optional<int> axis) {
    if (axis && !tensor.empty()) axes.insert_or_assign(tensor, *axis);
  };
  for (const std::string& input : graph.inputs) record(input, second_axis(rank_of(graph, input)));

  for (const Node& node : graph.nodes) {
    for (const std::string& output : node.outputs) {
      const auto rank = rank_of(graph, output);
      if (puts_channels_last(node)) {
        record(output, last_axis(rank));
        continue;
      }
      // The input that the output takes after: the first that is data and, if there is one, has its rank.
      std::string data;
      for (const std::string& input : node.inputs) {
        if (!axes.contains(input)) continue;
        if (data.empty() || (rank_of(graph, data) != rank && rank_of(graph, input) == rank)) data = input;
      }
      if (data.empty() || puts_channels_second(node)) {
        record(output, second_axis(rank));
        continue;
      }
      const auto before = rank_of(graph, data);
      const int axis = axes.at(data);
      if (node.is("Transpose") && rank) {
        const auto order = node.integers("perm");
        const int reversed = static_cast<int>(*rank) - 1 - axis;
        const auto moved = order ? std::ranges::find(*order, axis) - order->begin() : reversed;
        const bool fits = moved >= 0 && moved < static_cast<std::ptrdiff_t>(*rank);
        record(output, fits ? std::optional(static_cast<int>(moved)) : second_axis(rank));
      } else if (before == rank) {
        record(output, axis);
      } else {
        const bool was_last = before && *before > 2 && axis == static_cast<int>(*before) - 1;
        record(output, was_last ? last_axis(rank) : second_axis(rank));
      }
    }
  }
  return axes;
}

}  // namespace qcal
