#include "engine/replay/layer_replay.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/collect/fake_quantized.h"
#include "engine/dumps/stored_tensor.h"
#include "engine/replay/sample_chunks.h"
#include "engine/replay/squared_distance.h"

namespace qcal {
namespace {

constexpr std::size_t most_input_values = std::size_t{8} << 20;

// `values` of a tensor of that shape, quantized and dequantized; themselves where there are no parameters.
std::span<const float> quantized(std::span<const float> values, const Shape& shape,
                                 const TensorParameters* parameters, Compatibility compatibility,
                                 std::vector<float>& room) {
  if (parameters == nullptr) return values;
  room.resize(values.size());
  fake_quantize_tensor({values.data(), DType::f32, shape, Memory::host, {}}, *parameters, compatibility,
                       room);
  return room;
}

// A layer's constants as its product takes them: alpha and beta of a Gemm are multiplied in.
class LayerConstants {
 public:
  LayerConstants(const Graph& graph, const ReplayedLayer& layer)
      : weights_(graph.constant(layer.shape.weights)),
        bias_(layer.shape.bias.empty() ? nullptr : graph.constant(layer.shape.bias)),
        channels_(static_cast<std::size_t>(layer.shape.channels)) {
    if (!layer.node->is("Gemm")) return;
    alpha_ = layer.node->real("alpha", 1.0F);
    beta_ = layer.node->real("beta", 1.0F);
  }

  // One value a channel. Valid until the next call, as is that of weights().
  std::span<const float> bias(const TensorParameters* parameters, Compatibility compatibility) {
    if (bias_ == nullptr) {
      bias_room_.assign(channels_, 0.0F);
      return bias_room_;
    }
    const auto values = scaled(*bias_, beta_, parameters, compatibility, bias_room_);
    if (values.size() == channels_) return values;
    bias_room_.assign(channels_, values.front());
    return bias_room_;
  }

  // What a quantized bias adds to the mean square of the outputs.
  double bias_noise(const TensorParameters* parameters, Compatibility compatibility) {
    const auto quantized = bias(parameters, compatibility);
    const std::vector<float> kept(quantized.begin(), quantized.end());
    return squared_distance(kept, bias(nullptr, compatibility)) / static_cast<double>(channels_);
  }

  std::span<const float> weights(const TensorParameters* parameters, Compatibility compatibility) {
    return scaled(*weights_, alpha_, parameters, compatibility, weights_room_);
  }

 private:
  static std::span<const float> scaled(const Constant& constant, float factor,
                                       const TensorParameters* parameters, Compatibility compatibility,
                                       std::vector<float>& room) {
    const auto values = quantized(*constant.reals(), constant.shape, parameters, compatibility, room);
    if (factor == 1.0F) return values;
    room.resize(values.size());
    std::ranges::transform(values, room.begin(), [factor](float value) { return factor * value; });
    return room;
  }

  const Constant* weights_;
  const Constant* bias_;
  std::size_t channels_;
  float alpha_ = 1.0F;
  float beta_ = 1.0F;
  std::vector<float> weights_room_;
  std::vector<float> bias_room_;
};

// The product for chunks of one shape, made anew only where the shape changes.
class ProductOfChunks {
 public:
  ProductOfChunks(const ProductLibrary& library, const ReplayedLayer& layer)
      : library_(library), layer_(layer) {}

  // Null where it cannot be computed.
  LayerProduct* of(const Shape& input) {
    if (input == input_) return product_.get();
    input_ = input;
    const auto shape = product_shape(*layer_.node, layer_.shape, input);
    product_ = shape ? library_.product(*shape) : nullptr;
    outputs_ = shape ? shape->output_size() : 0;
    return product_.get();
  }
  std::size_t outputs() const { return outputs_; }

 private:
  const ProductLibrary& library_;
  const ReplayedLayer& layer_;
  Shape input_;
  std::unique_ptr<LayerProduct> product_;
  std::size_t outputs_ = 0;
};

}  // namespace

double OutputError::decibels() const {
  if (noise == 0.0) return std::numeric_limits<double>::infinity();
  return 10.0 * std::log10(signal / noise);
}

std::vector<std::size_t> spread_batches(std::size_t count, std::size_t most) {
  const std::size_t taken = most == 0 ? count : std::min(count, most);
  std::vector<std::size_t> indices(taken);
  for (std::size_t i = 0; i < taken; ++i) indices[i] = i * count / taken;
  return indices;
}

Replay replay(const ReplayContext& context, const ReplayedLayer& layer,
              std::span<const ReplayVariant> variants) {
  Replay result;
  result.errors.resize(variants.size());
  LayerConstants constants(context.graph, layer);
  ProductOfChunks products(context.library, layer);
  std::vector<float> room;
  std::vector<float> expected;
  std::vector<float> outputs;
  const std::size_t batches = context.dumps.batches(layer.source);
  for (const std::size_t index : spread_batches(batches, context.most_batches)) {
    const auto batch = context.dumps.parts(layer.source, index);
    for_each_sample_chunk(*batch, most_input_values, [&](const SampleChunk& chunk) {
      Shape shape = batch->shape();
      if (shape.size() > 1) shape[0] = chunk.samples;
      LayerProduct* const product = products.of(shape);
      if (product == nullptr) {
        result.refused = "its input was recorded with shape " + shape_text(batch->shape());
        return;
      }
      expected.resize(products.outputs());
      outputs.resize(products.outputs());
      const auto compute = [&](const ReplayVariant& variant, std::vector<float>& into) {
        product->compute(quantized(chunk.values, shape, variant.input, context.compatibility, room),
                         constants.weights(variant.weights, context.compatibility),
                         constants.bias(variant.bias, context.compatibility), into);
      };
      compute({}, expected);
      const double signal = squared_length(expected);
      for (std::size_t i = 0; i < variants.size(); ++i) {
        result.errors[i].signal += signal;
        if (variants[i].input == nullptr && variants[i].weights == nullptr) {
          // A bias moves all outputs of its channel alike: nothing is to be computed.
          result.errors[i].noise += constants.bias_noise(variants[i].bias, context.compatibility) *
                                    static_cast<double>(expected.size());
        } else {
          compute(variants[i], outputs);
          result.errors[i].noise += squared_distance(expected, outputs);
        }
      }
      result.samples += chunk.samples;
    });
    if (!result.refused.empty()) return result;
  }
  return result;
}

}  // namespace qcal
