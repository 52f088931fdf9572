#include "engine/transform/transform_network.h"

#include <fmt/format.h>

#include <utility>

#include "engine/transform/cross_layer_equalization.h"
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

void convert_relu6(TransformedNetwork& network, const std::string& reason) {
  network.unclipped = relu6_outputs(network.graph);
  network.changed = network.changed || !network.unclipped.empty();
  network.graph = relu6_to_relu(std::move(network.graph));
  network.graph.transforms.push_back(
      {relu6_key, {fmt::format("{} ReLU6 became ReLU{}", network.unclipped.size(), reason)}});
}

void equalize(TransformedNetwork& network, EqualizationRule rule) {
  Equalization equalized = equalize_layers(std::move(network.graph), rule);
  network.graph = std::move(equalized.graph);
  network.divisors = std::move(equalized.divisors);
  network.changed = network.changed || !equalized.pairs.empty();
  AppliedTransform applied{equalization_key, {counted(equalized.pairs.size(), "pair")}};
  for (const EqualizedPair& pair : equalized.pairs) applied.details.push_back(pair_line(pair));
  network.graph.transforms.push_back(std::move(applied));
}

}  // namespace

TransformedNetwork transform_network(Graph graph, const Configuration& configuration) {
  TransformedNetwork network{std::move(graph), {}, {}, false};
  const bool equalizes = configuration.include_cle.value && !network.graph.transform(equalization_key);
  const EqualizationRule rule = equalization_rule(configuration);
  const bool converts = configuration.convert_relu6_to_relu.value;
  const bool implied = equalizes && rule != EqualizationRule::exact && !relu6_outputs(network.graph).empty();
  if ((converts || implied) && !network.graph.transform(relu6_key)) {
    convert_relu6(network, converts ? "" : ", as include_cle needs it for this target");
  }
  if (equalizes) equalize(network, rule);
  return network;
}

}  // namespace qcal
