#include "engine/correct/bias_corrector.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/correct/patch_window.h"
#include "engine/correct/weight_error.h"
#include "engine/correct/wired_layers.h"
#include "engine/dumps/stored_tensor.h"
#include "engine/graph/graph_index.h"
#include "engine/graph/weight_kernels.h"
#include "engine/plan/layer_identity.h"
#include "kernels/error.h"

namespace qcal {
namespace {

// Operators through which a Gemm or MatMul may read a recorded tensor: they keep the order of its values.
bool keeps_order(const Node& node) {
  return node.is("Flatten") || node.is("Reshape") || node.is("Squeeze") || node.is("Unsqueeze") ||
         node.is("Identity") || node.is("Dropout") || node.is("Cast");
}

bool is_window(const Node& node) {
  return node.is("Conv") || node.is("ConvTranspose");
}

// The operator between `source` and the layer that does not keep the order of values; "" where all do.
std::string reordering(const Graph& graph, const GraphIndex& index, const Node& layer,
                       const std::string& source) {
  for (std::string tensor = layer.input(0); tensor != source;) {
    const Node& node = graph.nodes[index.producer(tensor).value()];
    if (is_window(layer) || !keeps_order(node)) return node.op_type;
    tensor = node.input(0);
  }
  return "";
}

double root_mean_square(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

std::vector<double> difference(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> result(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) result[i] = a[i] - b[i];
  return result;
}

// All samples.
PatchTotals together(const PatchSplit& split) {
  PatchTotals all = split.fitted;
  for (std::size_t i = 0; i < split.held_back.sums.size(); ++i) all.sums[i] += split.held_back.sums[i];
  all.positions += split.held_back.positions;
  return all;
}

void require_as_much(const PatchSplit& recorded, const PatchSplit& inputs, const std::string& layer) {
  const auto same = [](const PatchTotals& a, const PatchTotals& b) {
    return a.samples == b.samples && a.positions == b.positions;
  };
  if (same(recorded.fitted, inputs.fitted) && same(recorded.held_back, inputs.held_back)) return;
  const auto counted = [](const PatchSplit& split) {
    return fmt::format("{} samples of {} positions", split.fitted.samples + split.held_back.samples,
                       split.fitted.positions + split.held_back.positions);
  };
  throw InvalidArgument(fmt::format("layer '{}': quantized inputs of {}, but recorded ones of {}", layer,
                                    counted(inputs), counted(recorded)));
}

// Inputs that one patch of a layer holds.
std::size_t patch_size(const Node& node, const WeightedOperator& shape) {
  std::size_t size = WeightKernels(shape).inputs();
  if (!is_window(node)) return size;
  for (std::size_t i = 2; i < shape.weights_shape.size(); ++i)
    size *= static_cast<std::size_t>(shape.weights_shape[i]);
  return size;
}

// Every fourth sample is held back, and where there are samples there is a sum for each input of a patch.
void require_patches(const PatchSplit& split, std::size_t size, const std::string& layer) {
  const auto fits = [&](const PatchTotals& totals) {
    return totals.sums.size() == (totals.samples > 0 ? size : 0) &&
           (totals.samples > 0 || totals.positions == 0);
  };
  const std::int64_t samples = split.fitted.samples + split.held_back.samples;
  if (fits(split.fitted) && fits(split.held_back) && split.held_back.samples == samples / 4) return;
  throw InvalidArgument(fmt::format("layer '{}': {} and {} sums of {} and {} samples do not fit it", layer,
                                    split.fitted.sums.size(), split.held_back.sums.size(),
                                    split.fitted.samples, split.held_back.samples));
}

// Why a layer cannot be corrected whatever is recorded; "" where it can.
std::string refusal(const Graph& graph, const GraphIndex& index, const Node& node,
                    const WeightedOperator& shape, const std::string& source) {
  if (source.empty()) return "its input is not among the quantized tensors";
  if (const std::string between = reordering(graph, index, node, source); !between.empty())
    return fmt::format("it reads the recorded tensor through {}", between);
  if (node.is("Gemm") && node.integer("transA", 0) != 0) return "its input is transposed";
  if (!is_window(node) && shape.weights_shape.size() != 2) return "its weights are no matrix";
  if (shape.bias.empty()) return "";
  if (index.consumers(shape.bias).size() > 1) return "it shares its bias with another layer";
  if (static_cast<std::int64_t>(graph.constant(shape.bias)->reals()->size()) != shape.channels)
    return "its bias does not hold one value a channel";
  return node.is("Gemm") && node.real("beta", 1.0F) == 0.0F ? "its bias has no effect" : "";
}

}  // namespace

BiasCorrector::BiasCorrector(const Graph& graph, const QuantizationPlan& plan, const Backend& backend)
    : graph_(graph) {
  const GraphIndex index(graph);
  for (const WiredLayer& wired : wired_layers(graph, plan)) {
    const Node& node = *wired.node;
    const auto shape = weighted_operator(graph, node);
    if (!shape || wired.weights.empty()) continue;
    const auto weights = std::ranges::find(plan.tensors, wired.weights, &PlannedTensor::name);
    const std::string source = wired.inputs.empty() ? "" : wired.inputs.front();
    Layer layer{&node, &*weights, *shape, refusal(graph, index, node, *shape, source), source, 0};
    if (layer.refused.empty()) {
      Source& read = sources_[source];
      if (!read.sums) read.sums = backend.make_patch_sums();
      layer.reader = read.layers.size();
      read.layers.push_back(layers_.size());
    }
    layers_.push_back(std::move(layer));
  }
}

std::optional<PatchWindow> BiasCorrector::window(const Layer& layer, const Shape& batch) const {
  const Node& node = *layer.node;
  const auto channels = static_cast<std::int64_t>(WeightKernels(layer.shape).inputs());
  return is_window(node) ? conv_window(node, batch, layer.shape.weights_shape, channels)
                         : row_window(batch, channels);
}

void BiasCorrector::observe(const std::string& tensor, const TensorParts& batch) {
  const auto source = sources_.find(tensor);
  if (source == sources_.end()) return;
  std::vector<std::optional<PatchWindow>> windows;
  for (const std::size_t reader : source->second.layers) {
    Layer& layer = layers_[reader];
    windows.push_back(layer.refused.empty() ? window(layer, batch.shape()) : std::nullopt);
    if (!windows.back() && layer.refused.empty())
      layer.refused = "its input was recorded with shape " + shape_text(batch.shape());
  }
  source->second.sums->collect(batch, windows, {});
}

std::vector<LayerInputs> BiasCorrector::inputs(const std::string& tensor) const {
  const Source& source = sources_.at(tensor);
  std::vector<LayerInputs> result;
  for (const std::size_t number : source.layers) {
    const Layer& layer = layers_[number];
    result.push_back({layer.refused, source.sums->take(layer.reader)});
  }
  return result;
}

void BiasCorrector::resume(const std::string& tensor, const std::vector<LayerInputs>& inputs) {
  const Source& source = sources_.at(tensor);
  if (inputs.size() != source.layers.size())
    throw InvalidArgument(
        fmt::format("inputs of {} layers, where {} read the tensor", inputs.size(), source.layers.size()));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Layer& layer = layers_[source.layers[i]];
    require_patches(inputs[i].sums, patch_size(*layer.node, layer.shape), layer.node->name);
    layer.refused = inputs[i].refused;
    source.sums->resume(layer.reader, inputs[i].sums);
  }
}

std::string BiasCorrector::source(std::size_t layer) const {
  return layers_.at(layer).refused.empty() ? layers_[layer].source : "";
}

PatchSplit BiasCorrector::patches(const Layer& layer) const {
  return layer.refused.empty() ? sources_.at(layer.source).sums->take(layer.reader) : PatchSplit{};
}

BiasCorrection BiasCorrector::correction(std::size_t number, const QuantizationParameters& parameters,
                                         Compatibility compatibility, const BiasCorrector* quantized) const {
  const Layer& layer = layers_.at(number);
  const PatchSplit recorded = patches(layer);
  if (quantized == nullptr) return correction(layer, recorded, recorded, parameters, compatibility);
  return correction(layer, recorded, quantized->patches(quantized->layers_.at(number)), parameters,
                    compatibility);
}

BiasCorrection BiasCorrector::correction(const Layer& layer, const PatchSplit& recorded,
                                         const PatchSplit& inputs, const QuantizationParameters& parameters,
                                         Compatibility compatibility) const {
  const auto weights = std::ranges::find(parameters.tensors, layer.weights->name, &TensorParameters::name);
  if (weights == parameters.tensors.end())
    throw InvalidArgument(fmt::format("no parameters of '{}'", layer.weights->name));
  const Node& node = *layer.node;
  BiasCorrection result;
  result.layer = node.name;
  result.layer_type = layer_type(graph_, node);
  result.weights = weights->name;
  result.bias = layer.shape.bias;
  const auto refused = [&](std::string reason) {
    result.reason = std::move(reason);
    return result;
  };
  if (!layer.refused.empty()) return refused(layer.refused);
  result.samples = recorded.fitted.samples + recorded.held_back.samples;
  result.held_back = recorded.held_back.samples;
  if (recorded.fitted.positions == 0) return refused("no sample was recorded");
  require_as_much(recorded, inputs, node.name);

  const bool is_gemm = node.is("Gemm");
  const double factor = is_gemm ? static_cast<double>(node.real("alpha", 1.0F)) : 1.0;
  const double divisor =
      is_gemm && !layer.shape.bias.empty() ? static_cast<double>(node.real("beta", 1.0F)) : 1.0;
  const std::vector<double> errors = weight_error(*layer.weights->parameter, *weights, compatibility);
  const std::vector<float>& values = *layer.weights->parameter->reals();
  const WeightKernels kernels(layer.shape);
  // (W + error) x_quantized - W x.
  const auto output_error = [&](const PatchTotals& x, const PatchTotals& x_quantized) {
    const std::vector<double> means = x.means();
    const std::vector<double> quantized_means = x_quantized.means();
    std::vector<double> channels(static_cast<std::size_t>(layer.shape.channels));
    kernels.for_each([&](const WeightKernel& kernel) {
      double channel = channels[kernel.output];
      for (std::size_t i = kernel.first, at = kernel.input * kernel.size; i < kernel.first + kernel.size;
           ++i, ++at) {
        channel += errors[i] * quantized_means[at] +
                   static_cast<double>(values[i]) * (quantized_means[at] - means[at]);
      }
      channels[kernel.output] = channel;
    });
    for (double& channel : channels) channel *= factor;
    return channels;
  };

  const std::vector<float>* bias =
      layer.shape.bias.empty() ? nullptr : graph_.constant(layer.shape.bias)->reals();
  const std::vector<double> expected = output_error(together(recorded), together(inputs));
  const auto fits_float = [](double error) { return std::fabs(error) < 0x1p127; };
  if (!std::ranges::all_of(expected, fits_float)) return refused("its inputs are too large to be added up");
  for (std::size_t c = 0; c < expected.size(); ++c) {
    result.added.push_back(-expected[c] / divisor);
    const double before = bias == nullptr ? 0.0 : static_cast<double>((*bias)[c]);
    result.corrected.push_back(static_cast<float>(before + result.added[c]));
  }
  if (recorded.held_back.positions == 0) return refused("fewer than 4 samples, so none could be held back");
  const std::vector<double> seen = output_error(recorded.held_back, inputs.held_back);
  result.error_before = root_mean_square(seen);
  const std::vector<double> found = output_error(recorded.fitted, inputs.fitted);
  result.error_after = root_mean_square(difference(seen, found));
  result.kept = result.error_after < result.error_before;
  if (!result.kept) result.reason = "it does not lower the error on the samples held back";
  return result;
}

std::vector<BiasCorrection> BiasCorrector::corrections(const QuantizationParameters& parameters,
                                                       Compatibility compatibility) const {
  std::vector<PatchSplit> recorded;  // by this thread, since layers may share what adds up their inputs
  for (const Layer& layer : layers_) recorded.push_back(patches(layer));
  std::vector<BiasCorrection> result(layers());
  tbb::parallel_for(std::size_t{0}, layers(), [&](std::size_t number) {
    result[number] =
        correction(layers_[number], recorded[number], recorded[number], parameters, compatibility);
  });
  return result;
}

}  // namespace qcal
