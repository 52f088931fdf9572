#include "engine/transform/equalization_pairs.h"

#include <algorithm>
#include <optional>

#include "engine/graph/graph_index.h"
#include "engine/graph/weight_kernels.h"
#include "engine/transform/clamp.h"
#include "engine/transform/equalizable_layer.h"

namespace qcal {
namespace {

enum class Passage { none, plain, clamp, flatten };

// Channels stay together where axis 1 of the result holds all that axis 1 and the axes behind it held.
bool flattens(const Graph& graph, const Node& node) {
  if (node.is("Flatten")) return node.integer("axis", 1) == 1;
  if (!node.is("Reshape") && !node.is("Squeeze")) return false;
  const auto from = graph.info(node.input(0)).shape;
  const auto to = graph.info(node.output(0)).shape;
  if (!from || !to || from->size() < 2 || to->size() != 2) return false;
  std::int64_t elements = 1;
  for (std::size_t i = 1; i < from->size(); ++i) {
    if ((*from)[i] < 1 || elements > (*to)[1]) return false;
    elements *= (*from)[i];
  }
  return (*to)[1] == elements;
}

Passage passage(const Graph& graph, const Node& node, std::int64_t channels_before, PairRules rules) {
  for (const char* pool : {"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"}) {
    if (node.is(pool)) return Passage::plain;
  }
  if (node.is("Relu")) return Passage::plain;
  if (rules == PairRules::vitis) return Passage::none;
  if (node.is("LeakyRelu")) return Passage::plain;
  if (flattens(graph, node)) return Passage::flatten;
  if (rules != PairRules::exact) return Passage::none;
  const auto clamp = clamp_of(graph, node);
  const bool fits = clamp && (channels(*clamp) == 1 || std::int64_t(channels(*clamp)) == channels_before);
  return fits ? Passage::clamp : Passage::none;
}

bool is_allowed(const Node& node, PairRules rules) {
  return rules != PairRules::vitis || node.is("Conv");
}

// The data that `node` passes on; Min and Max may have it second.
const std::string& data_of(const Node& node, const std::string& tensor) {
  const bool second = (node.is("Min") || node.is("Max")) && node.input(1) == tensor;
  return node.input(second ? 1 : 0);
}

std::optional<EqualizationPair> pair_after(const Graph& graph, const GraphIndex& index, std::size_t first,
                                           PairRules rules) {
  const auto head = equalizable_layer(graph, graph.nodes[first]);
  if (!head || !is_allowed(graph.nodes[first], rules)) return std::nullopt;
  if (!bias_per_channel(graph, *head)) return std::nullopt;
  EqualizationPair pair{first, 0, head->channels, 1, {}, {}, {}};
  bool flattened = false;
  std::vector<bool> behind_flattening;
  for (std::string tensor = graph.nodes[first].output(0);;) {
    const auto reader = index.sole_consumer(tensor);
    if (!reader) return std::nullopt;
    pair.tensors.push_back(tensor);
    behind_flattening.push_back(flattened);
    const Node& node = graph.nodes[*reader];
    if (data_of(node, tensor) != tensor) return std::nullopt;
    const auto tail = equalizable_layer(graph, node);
    if (tail && is_allowed(node, rules)) {
      const auto inputs = static_cast<std::int64_t>(WeightKernels(*tail).inputs());
      if (inputs % pair.channels != 0) return std::nullopt;
      pair.elements_per_channel = inputs / pair.channels;
      if (pair.elements_per_channel != 1 && !flattened) return std::nullopt;
      pair.second = *reader;
      for (const bool behind : behind_flattening)
        pair.tensor_elements.push_back(behind ? pair.elements_per_channel : 1);
      return pair;
    }
    const Passage way = passage(graph, node, pair.channels, rules);
    if (way == Passage::none) return std::nullopt;
    // A bound behind the flattening would need one value an element.
    if (way == Passage::clamp && flattened) return std::nullopt;
    if (way == Passage::clamp) pair.clamps.push_back(*reader);
    flattened = flattened || way == Passage::flatten;
    tensor = node.output(0);
  }
}

}  // namespace

std::vector<EqualizationPair> equalization_pairs(const Graph& graph, PairRules rules) {
  const GraphIndex index(graph);
  std::vector<EqualizationPair> pairs;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (auto pair = pair_after(graph, index, i, rules)) pairs.push_back(std::move(*pair));
  }
  return pairs;
}

}  // namespace qcal
