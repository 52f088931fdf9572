#include "engine/transform/transform_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/transform/clamp.h"
#include "engine/transform/cross_layer_equalization.h"
#include "engine/transform/equalization_pairs.h"
#include "engine/transform/relu6_to_relu.h"

namespace qcal {
namespace {

constexpr const char* relu6_key = "convert_relu6_to_relu";
constexpr const char* equalization_key = "include_cle";

std::string counted(std::size_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

EqualizationRule equalization_rule(const Configuration& configuration) {
  if (configuration.compatibility == Compatibility::vitis) return EqualizationRule::vitis;
  const bool has_bounds = configuration.target_device.value != TargetDevice::dpu;
  return has_bounds ? EqualizationRule::exact : EqualizationRule::without_bounds;
}

std::string pair_line(const EqualizedPair& pair) {
  return fmt::format(
      "{} -> {}: {} channels; weights {:.3g} .. {:.3g} before, {:.3g} .. {:.3g} after; next {:.3g} .. {:.3g} "
      "before, {:.3g} .. {:.3g} after",
      pair.first, pair.second, pair.channels, pair.before.smallest, pair.before.largest, pair.after.smallest,
      pair.after.largest, pair.next_before.smallest, pair.next_before.largest, pair.next_after.smallest,
      pair.next_after.largest);
}

// ReLU6 between layers that could be equalized, were it not for their bounds.
std::vector<std::string> relu6_of_pairs(const Graph& graph) {
  const std::vector<std::string> all = relu6_outputs(graph);
  std::vector<std::string> outputs;
  for (const EqualizationPair& pair : equalization_pairs(graph, PairRules::exact)) {
    std::vector<std::string> bounded;
    for (const std::size_t clamp : pair.clamps) bounded.push_back(graph.nodes[clamp].output(0));
    const bool only_relu6 = std::ranges::all_of(
        bounded, [&](const std::string& output) { return std::ranges::find(all, output) != all.end(); });
    if (only_relu6) outputs.insert(outputs.end(), bounded.begin(), bounded.end());
  }
  return outputs;
}

// Which ReLU6 equalization by `rule` needs as ReLU.
std::vector<std::string> relu6_to_equalize(const Graph& graph, EqualizationRule rule) {
  switch (rule) {
    case EqualizationRule::exact:
      return {};
    case EqualizationRule::without_bounds:
      return relu6_of_pairs(graph);
    case EqualizationRule::vitis:
      break;
  }
  return relu6_outputs(graph);
}

void convert_relu6(TransformedNetwork& network, std::vector<std::string> outputs, const std::string& reason) {
  network.unclipped = std::move(outputs);
  network.graph = relu6_to_relu(std::move(network.graph), network.unclipped);
  network.graph.transforms.push_back(
      {relu6_key, {fmt::format("{} ReLU6 became ReLU{}", network.unclipped.size(), reason)}});
}

// Those of `outputs` that have a bound a channel.
std::vector<std::string> bounded_by_channel(const Graph& graph, const std::vector<std::string>& outputs) {
  std::vector<std::string> bounded;
  for (const Node& node : graph.nodes) {
    if (std::ranges::find(outputs, node.output(0)) == outputs.end()) continue;
    const auto clamp = clamp_of(graph, node);
    if (clamp && clamp->upper.size() > 1) bounded.push_back(node.output(0));
  }
  return bounded;
}

void equalize(TransformedNetwork& network, EqualizationRule rule) {
  const std::vector<std::string> relu6 = relu6_outputs(network.graph);
  Equalization equalized = equalize_layers(std::move(network.graph), rule);
  network.graph = std::move(equalized.graph);
  network.divisors = std::move(equalized.divisors);
  network.bounded = bounded_by_channel(network.graph, relu6);
  AppliedTransform applied{equalization_key, {counted(equalized.pairs.size(), "pair")}};
  for (const EqualizedPair& pair : equalized.pairs) applied.details.push_back(pair_line(pair));
  network.graph.transforms.push_back(std::move(applied));
}

}  // namespace

TransformedNetwork transform_network(Graph graph, const Configuration& configuration) {
  TransformedNetwork network{std::move(graph), {}, {}, {}};
  const bool equalizes = configuration.include_cle.value && !network.graph.transform(equalization_key);
  const EqualizationRule rule = equalization_rule(configuration);
  if (!network.graph.transform(relu6_key)) {
    if (configuration.convert_relu6_to_relu.value) {
      convert_relu6(network, relu6_outputs(network.graph), "");
    } else if (equalizes) {
      auto outputs = relu6_to_equalize(network.graph, rule);
      if (!outputs.empty())
        convert_relu6(network, std::move(outputs), ", as include_cle needs it for this target");
    }
  }
  if (equalizes) equalize(network, rule);
  return network;
}

TransformedNetwork without_bounds(TransformedNetwork network, const std::vector<std::string>& unreached) {
  if (network.bounded.empty()) return network;
  network.graph = relu6_to_relu(std::move(network.graph), unreached);
  const auto applied = std::ranges::find(network.graph.transforms, equalization_key, &AppliedTransform::key);
  applied->details.front() += fmt::format("; {} of {} ReLU6 bounds dropped, which no recorded value reaches",
                                          unreached.size(), network.bounded.size());
  std::erase_if(network.bounded, [&](const std::string& output) {
    return std::ranges::find(unreached, output) != unreached.end();
  });
  return network;
}

}  // namespace qcal
