#include "tools/calib_run/analysis_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "config/setting_names.h"
#include "tools/calib_run/result_table.h"

namespace qcal::tools {
namespace {

constexpr std::size_t most_conspicuous = 10;

std::string decibels(double value) {
  return std::isfinite(value) ? fmt::format("{:.1f}", value) : value > 0.0 ? "no error" : "only error";
}

std::string layers_table(const Analysis& analysis) {
  std::vector<std::vector<std::string>> rows{
      {"layer", "type", ">weights only", ">activations only", ">both", ">bias only"}};
  for (const LayerError& layer : analysis.layers) {
    rows.push_back({shortened(layer.layer, 60), layer.type, decibels(layer.weights_only),
                    decibels(layer.activations_only), decibels(layer.both), decibels(layer.bias_only)});
  }
  return aligned_table(rows);
}

std::string whose(const TriedSetting& tried) {
  if (tried.layer.empty()) return fmt::format("{} {}", spelling(tried.role), tried.tensor);
  return fmt::format("{} of {}", spelling(tried.role), tried.layer);
}

std::string suggestions(const Analysis& analysis) {
  std::string text;
  for (const LayerError& layer : analysis.layers) {
    if (layer.best.empty()) continue;
    text += fmt::format("\n{} has {} dB; with\n", layer.layer, decibels(layer.both));
    std::vector<std::vector<std::string>> rows{{">gain", ">dB", "setting", "of"}};
    for (const TriedSetting& tried : layer.best) {
      const std::string gain = std::isfinite(tried.gain) ? fmt::format("+{:.1f}", tried.gain) : "all of it";
      rows.push_back({gain, decibels(tried.decibels), tried.change, whose(tried)});
    }
    text += aligned_table(rows);
  }
  return text;
}

// How far from a quantizer at ease: the share of idle integers, and more where values are clipped or batches
// differ.
double strangeness(const TensorUse& use) {
  return 1.0 - use.levels_used + 100.0 * use.clipped + std::log2(use.spread.value_or(1.0));
}

bool is_conspicuous(const TensorUse& use) {
  const bool has_few_values = use.values < 4 * (std::uint64_t{1} << use.bit_width);
  return (use.levels_used < 0.5 && !has_few_values) || use.clipped > 0.001 || use.spread.value_or(1.0) > 2.0;
}

std::string tensors_table(const Analysis& analysis, TensorsShown shown) {
  std::vector<const TensorUse*> uses;
  for (const TensorUse& use : analysis.tensors) {
    if (shown == TensorsShown::all || is_conspicuous(use)) uses.push_back(&use);
  }
  if (uses.empty()) return "";
  std::string text = "\ntensors\n";
  if (shown == TensorsShown::conspicuous) {
    std::ranges::stable_sort(uses, std::greater<>(), [](const TensorUse* use) { return strangeness(*use); });
    const std::size_t count = uses.size();
    uses.resize(std::min(count, most_conspicuous));
    text = fmt::format("\ntensors that stand out, {} of {} (--tensors shows all {})\n", uses.size(), count,
                       analysis.tensors.size());
  }
  std::vector<std::vector<std::string>> rows{
      {"tensor", "role", "bits", ">levels used", ">clipped", ">batches differ"}};
  for (const TensorUse* use : uses) {
    rows.push_back({shortened(use->tensor, 60), std::string(spelling(use->role)),
                    fmt::format("{}{}", use->is_signed ? "int" : "uint", use->bit_width),
                    fmt::format("{:.0f}%", 100.0 * use->levels_used),
                    fmt::format("{:.3g}%", 100.0 * use->clipped),
                    use->spread ? fmt::format("{:.2f} times", *use->spread) : ""});
  }
  return text + aligned_table(rows);
}

struct FloatNodes {
  std::size_t count = 0;
  std::string first;
};

std::string kernels_table(const Analysis& analysis) {
  std::map<std::string, std::size_t> on_integers;
  std::map<std::pair<std::string, std::string>, FloatNodes> in_float;  // by type and reason
  std::size_t integer_nodes = 0;
  for (const NodeKernel& node : analysis.kernels) {
    if (!node.kernel.empty()) {
      ++on_integers[node.kernel];
      ++integer_nodes;
      continue;
    }
    FloatNodes& nodes = in_float[{node.type, node.reason}];
    if (nodes.count++ == 0) nodes.first = node.node;
  }
  std::string text = fmt::format("\n{} of {} nodes run in integer kernels of onnxruntime", integer_nodes,
                                 analysis.kernels.size());
  const char* before = ": ";
  for (const auto& [kernel, count] : on_integers) {
    text += fmt::format("{}{} {}", before, count, kernel);
    before = ", ";
  }
  if (in_float.empty()) return text + "\n";
  text += "\n";
  std::vector<std::vector<std::string>> rows{{">in float", "type", "why", "such as"}};
  for (const auto& [what, nodes] : in_float)
    rows.push_back({std::to_string(nodes.count), what.first, what.second, shortened(nodes.first, 40)});
  return text + aligned_table(rows);
}

}  // namespace

std::string analysis_text(const Analysis& analysis, TensorsShown tensors) {
  std::string text = fmt::format(
      "signal to quantization noise of each layer's output in dB, worst first ({} of {} batches, {})\n\n",
      analysis.batches, analysis.recorded_batches, analysis.library);
  text += layers_table(analysis) + suggestions(analysis) + tensors_table(analysis, tensors) +
          kernels_table(analysis);
  for (const SkippedLayer& layer : analysis.skipped)
    text += fmt::format("\nnot run: {}: {}", layer.layer, layer.reason);
  if (!analysis.skipped.empty()) text += "\n";
  return text;
}

}  // namespace qcal::tools
