// A small network, run in float and quantized by plain loops in double, corrected layer by layer.
#include "engine/correct/sequential_bias.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <random>

#include "kernels/backend.h"
#include "kernels/error.h"
#include "tests/plan/plan_helpers.h"
#include "tests/plan/plan_parameters.h"
#include "tests/support/graph_builder.h"

namespace qcal {
namespace {

using ::testing::ElementsAre;
using testing::GraphBuilder;
using ::testing::HasSubstr;
using Integers = std::vector<std::int64_t>;
using Values = std::vector<double>;

constexpr double weight_scale = 0.25;
constexpr double activation_scale = 0.5;
constexpr std::int64_t samples = 64;

double rounded(double value, double scale, double lowest, double highest) {
  return std::fmin(std::fmax(std::nearbyint(value / scale), lowest), highest) * scale;
}

// Conv of [samples, channels, size, size]; a Gemm is one with size 1.
struct LayerCase {
  std::string name;  // of the node and its output
  std::string input;
  std::int64_t inputs = 1;
  std::int64_t outputs = 1;
  std::int64_t size = 1;
  std::int64_t kernel = 1;
  std::int64_t pad = 0;
  std::int64_t group = 1;
  std::vector<float> weights{};
  std::vector<float> bias{};
  std::int64_t result() const { return size + 2 * pad - kernel + 1; }
};

// What comes before the layer's activation.
Values naive_layer(const LayerCase& layer, const Values& x, bool quantized,
                   const std::vector<double>& added) {
  const std::int64_t side = layer.result();
  const std::int64_t inputs_of_group = layer.inputs / layer.group;
  Values y(static_cast<std::size_t>(samples * layer.outputs * side * side));
  for (std::int64_t at = 0; at < static_cast<std::int64_t>(y.size()); ++at) {
    const std::int64_t column = at % side;
    const std::int64_t row = at / side % side;
    const std::int64_t o = at / (side * side) % layer.outputs;
    const std::int64_t n = at / (side * side * layer.outputs);
    double sum = static_cast<double>(layer.bias[static_cast<std::size_t>(o)]);
    if (!added.empty()) sum += added[static_cast<std::size_t>(o)];
    for (std::int64_t i = 0; i < inputs_of_group; ++i) {
      const std::int64_t channel = o / (layer.outputs / layer.group) * inputs_of_group + i;
      for (std::int64_t k = 0; k < layer.kernel * layer.kernel; ++k) {
        const std::int64_t from_row = row + k / layer.kernel - layer.pad;
        const std::int64_t from_column = column + k % layer.kernel - layer.pad;
        if (std::min(from_row, from_column) < 0 || std::max(from_row, from_column) >= layer.size) continue;
        const auto weight_at =
            static_cast<std::size_t>((o * inputs_of_group + i) * layer.kernel * layer.kernel + k);
        const double weight = static_cast<double>(layer.weights[weight_at]);
        const std::int64_t x_at =
            ((n * layer.inputs + channel) * layer.size + from_row) * layer.size + from_column;
        sum +=
            (quantized ? rounded(weight, weight_scale, -8, 7) : weight) * x[static_cast<std::size_t>(x_at)];
      }
    }
    y[static_cast<std::size_t>(at)] = sum;
  }
  return y;
}

Values activated(Values values, bool quantized) {
  for (double& value : values) {
    value = std::fmax(value, 0.0);
    if (quantized) value = rounded(value, activation_scale, 0, 255);
  }
  return values;
}

// Every tensor of a run: "x", the layers' own results, "<layer>.relu", and "flat" where the Gemm reads.
using Tensors = std::map<std::string, Values>;

struct Network {
  std::vector<LayerCase> layers;
  Values x;
  Graph graph;
  QuantizationPlan plan;
  QuantizationParameters parameters;

  Tensors run(bool quantized, const std::vector<BiasCorrection>& corrections) const {
    Tensors tensors{{"x", x}};
    for (const LayerCase& layer : layers) {
      const auto found = std::ranges::find(corrections, layer.name, &BiasCorrection::layer);
      const bool corrected = found != corrections.end() && found->kept;
      tensors[layer.name] =
          naive_layer(layer, tensors.at(layer.input), quantized, corrected ? found->added : Values{});
      tensors[layer.name == "c" ? "flat" : layer.name + ".relu"] =
          activated(tensors.at(layer.name), quantized);
    }
    return tensors;
  }

  Shape shape(const std::string& tensor) const {
    Shape result = *graph.info(tensor).shape;
    result[0] = samples;
    return result;
  }

  // Hands the first `count` samples of a tensor to `observer`, in batches of 5.
  template <class Observer>
  void hand_over(const Tensors& run, const std::string& tensor, Observer& observer,
                 std::int64_t count = samples) const {
    const Values& values = run.at(tensor);
    const std::vector<float> stored(values.begin(), values.end());
    Shape batch = shape(tensor);
    const auto each = stored.size() / static_cast<std::size_t>(samples);
    for (std::int64_t at = 0; at < count; at += 5) {
      batch[0] = std::min<std::int64_t>(5, count - at);
      const TensorView view{
          stored.data() + static_cast<std::size_t>(at) * each, DType::f32, batch, Memory::host, {}};
      observer.observe(tensor, WholeTensor(view));
    }
  }

  BiasCorrector corrector() const { return BiasCorrector(graph, plan, *Backend::cpu()); }

  // The local mode's view: the float recording.
  BiasCorrector local() const {
    BiasCorrector result = corrector();
    const Tensors recorded = run(false, {});
    for (const std::string& tensor : tensors_to_record(plan)) hand_over(recorded, tensor, result);
    return result;
  }
};

void fill(std::vector<float>& values, std::int64_t count, float mean, std::mt19937& generator) {
  std::uniform_real_distribution<float> spread(-1.0F, 1.0F);
  values.resize(static_cast<std::size_t>(count));
  for (float& value : values) value = mean + spread(generator);
}

// Plans the network's graph, and quantizes its weights.
void plan_in_4_bits(Network& network) {
  network.plan = make_plan(network.graph, testing::configuration(""));
  network.parameters = testing::symmetric_parameters(network.plan, weight_scale, -8, 7);
}

// A padded convolution, a depthwise one, one that makes a vector, and a Gemm behind it.
Network network(unsigned seed) {
  Network result;
  result.layers = {
      {.name = "a", .input = "x", .inputs = 2, .outputs = 4, .size = 6, .kernel = 3, .pad = 1},
      {.name = "b", .input = "a.relu", .inputs = 4, .outputs = 4, .size = 6, .kernel = 3, .group = 4},
      {.name = "c", .input = "b.relu", .inputs = 4, .outputs = 5, .size = 4, .kernel = 4},
      {.name = "d", .input = "flat", .inputs = 5, .outputs = 3}};
  std::mt19937 generator(seed);
  GraphBuilder builder;
  builder.input("x", {-1, 2, 6, 6});
  for (LayerCase& layer : result.layers) {
    const std::int64_t weights = layer.outputs * layer.inputs / layer.group * layer.kernel * layer.kernel;
    fill(layer.weights, weights, 0.1F, generator);
    fill(layer.bias, layer.outputs, 0.3F, generator);
    const bool is_gemm = layer.name == "d";
    Shape shape{layer.outputs, layer.inputs / layer.group};
    if (!is_gemm) shape.insert(shape.end(), 2, layer.kernel);
    builder.reals(layer.name + ".w", shape, layer.weights)
        .reals(layer.name + ".b", {layer.outputs}, layer.bias);
    if (is_gemm) {
      builder.node("Flatten", {"c.relu"}, {"flat"})
          .node("Gemm", {"flat", "d.w", "d.b"}, {"d"}, {{"transB", std::int64_t{1}}});
    } else {
      builder.node("Conv", {layer.input, layer.name + ".w", layer.name + ".b"}, {layer.name},
                   {{"group", layer.group}, {"pads", Integers(4, layer.pad)}});
      builder.node("Relu", {layer.name}, {layer.name + ".relu"});
    }
  }
  result.graph = normalise(builder.output("d").build());
  plan_in_4_bits(result);
  std::vector<float> x;
  fill(x, samples * 2 * 6 * 6, 1.5F, generator);
  for (const float value : x)
    result.x.push_back(rounded(static_cast<double>(value), activation_scale / 8, -128, 127));
  return result;
}

std::vector<BiasCorrection> corrected_sequentially(const Network& network) {
  const BiasCorrector local = network.local();
  SequentialBias sequential(local, network.corrector(), network.parameters, Compatibility::standard);
  while (const auto tensor = sequential.next()) {
    network.hand_over(network.run(true, sequential.corrections()), *tensor, sequential);
    sequential.decide();
  }
  return sequential.corrections();
}

// Root mean square over channels of the mean error of a layer's result.
double mean_error(const Network& network, const std::string& tensor, const Tensors& run) {
  const Values wanted = network.run(false, {}).at(tensor);
  const LayerCase& layer = *std::ranges::find(network.layers, tensor, &LayerCase::name);
  const auto area = static_cast<std::size_t>(layer.result() * layer.result());
  const auto channels = static_cast<std::size_t>(layer.outputs);
  Values errors(channels);
  for (std::size_t i = 0; i < wanted.size(); ++i)
    errors[i / area % channels] +=
        (run.at(tensor)[i] - wanted[i]) / static_cast<double>(wanted.size() / channels);
  double squares = 0;
  for (const double error : errors) squares += error * error / static_cast<double>(channels);
  return std::sqrt(squares);
}

// What rounding can leave of a mean: inputs are added up in float32 lanes, with at most 33 roundings each,
// for the float and for the quantized network, and meet weights of at most 1.25.
double rounding_of(const Network& network, const std::string& layer, const Tensors& run) {
  const LayerCase& one = *std::ranges::find(network.layers, layer, &LayerCase::name);
  const double largest =
      std::fmax(std::ranges::max(run.at(one.input)), std::ranges::max(network.run(false, {}).at(one.input)));
  return 2 * 33 * 0x1p-24 * largest * 1.25 *
         static_cast<double>(one.inputs / one.group * one.kernel * one.kernel);
}

// Whatever the layers before it leave.
TEST(SequentialBias, ACorrectedLayersMeanResultIsThatOfTheFloatNetwork) {
  for (const unsigned seed : {1U, 2U, 3U}) {
    const Network one = network(seed);
    const auto corrections = corrected_sequentially(one);
    ASSERT_EQ(corrections.size(), 4U);
    const Tensors run = one.run(true, corrections);
    for (const BiasCorrection& correction : corrections) {
      ASSERT_TRUE(correction.kept) << correction.layer << ": " << correction.reason;
      EXPECT_EQ(correction.samples, samples);
      EXPECT_EQ(correction.held_back, samples / 4);
      EXPECT_LT(mean_error(one, correction.layer, run), rounding_of(one, correction.layer, run))
          << correction.layer;
    }
  }
}

TEST(SequentialBias, IsNotWorseThanLocalHere) {
  for (const unsigned seed : {1U, 2U, 3U}) {
    const Network one = network(seed);
    const auto local = one.local().corrections(one.parameters, Compatibility::standard);
    const auto sequential = corrected_sequentially(one);
    EXPECT_EQ(local[0].layer, sequential[0].layer);
    for (const char* layer : {"b", "c", "d"}) {
      const double without = mean_error(one, layer, one.run(true, {}));
      const double with_local = mean_error(one, layer, one.run(true, local));
      const double with_sequential = mean_error(one, layer, one.run(true, sequential));
      EXPECT_LE(with_sequential, with_local) << layer;
      EXPECT_LT(with_sequential, without) << layer;
    }
  }
}

// The quantized network's inputs being the float ones, nothing is left but the weights' error.
TEST(SequentialBias, OnFloatInputsItIsTheLocalMode) {
  const Network one = network(4);
  const BiasCorrector local = one.local();
  SequentialBias sequential(local, one.corrector(), one.parameters, Compatibility::standard);
  while (const auto tensor = sequential.next()) {
    one.hand_over(one.run(false, {}), *tensor, sequential);
    sequential.decide();
  }
  EXPECT_EQ(sequential.corrections(), local.corrections(one.parameters, Compatibility::standard));
}

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const InvalidArgument& error) {
    return error.what();
  }
  return "accepted";
}

TEST(SequentialBias, AllLayersFromOneRunAreRefused) {
  const Network one = network(5);
  const BiasCorrector local = one.local();
  SequentialBias sequential(local, one.corrector(), one.parameters, Compatibility::standard);
  const Tensors run = one.run(true, {});
  EXPECT_EQ(sequential.next(), "x");
  EXPECT_THAT(refusal([&] { one.hand_over(run, "b.relu", sequential); }), HasSubstr("that read 'x'"));
  EXPECT_THAT(refusal([&] { sequential.decide(); }), HasSubstr("0 samples"));
  one.hand_over(run, "x", sequential);
  sequential.decide();
  EXPECT_EQ(sequential.corrections().size(), 1U);
  EXPECT_EQ(sequential.next(), "a.relu");
  EXPECT_THAT(refusal([&] { one.hand_over(run, "x", sequential); }), HasSubstr("that read 'a.relu'"));
  for (const char* tensor : {"a.relu", "b.relu", "flat"}) {
    one.hand_over(run, tensor, sequential);
    sequential.decide();
  }
  EXPECT_EQ(sequential.next(), std::nullopt);
  EXPECT_THAT(refusal([&] { one.hand_over(run, "x", sequential); }), HasSubstr("every layer is decided"));
  EXPECT_THAT(refusal([&] { sequential.decide(); }), HasSubstr("every layer is decided"));
}

TEST(SequentialBias, OtherSamplesThanTheRecordingsAreRefused) {
  const Network one = network(5);
  const BiasCorrector local = one.local();
  SequentialBias sequential(local, one.corrector(), one.parameters, Compatibility::standard);
  one.hand_over(one.run(true, {}), "x", sequential, samples - 1);
  EXPECT_THAT(refusal([&] { sequential.decide(); }), HasSubstr("63 samples"));
}

// Two layers read one tensor: one run serves for both.
TEST(SequentialBias, LayersWithOneInputHaveOneTurn) {
  Network one;
  one.graph = normalise(GraphBuilder()
                            .input("x", {-1, 1, 1, 1})
                            .reals("w", {1, 1, 1, 1}, {0.1F})
                            .reals("v", {1, 1, 1, 1}, {0.3F})
                            .reals("u", {1, 1, 1, 1}, {0.2F})
                            .node("Conv", {"x", "w"}, {"y"})
                            .node("Conv", {"y", "u"}, {"t"})
                            .node("Conv", {"x", "v"}, {"z"})
                            .node("Transpose", {"x"}, {"s"}, {{"perm", Integers{0, 1, 3, 2}}})
                            .node("Conv", {"s", "u"}, {"r"})
                            .output("r")
                            .output("t")
                            .output("z")
                            .build());
  plan_in_4_bits(one);
  BiasCorrector local = one.corrector();
  const Tensors values{{"x", Values(samples, 1.0)}, {"y", Values(samples, 1.0)}};
  for (const char* tensor : {"x", "y"}) one.hand_over(values, tensor, local);
  SequentialBias sequential(local, one.corrector(), one.parameters, Compatibility::standard);
  one.hand_over(values, "x", sequential);
  sequential.decide();
  const auto both = sequential.corrections();
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0].layer, "y");
  EXPECT_NEAR(both[0].added[0], 0.1, 1e-7) << "0.1 became 0";
  EXPECT_EQ(both[0].bias, "");
  EXPECT_THAT(both[0].corrected, ElementsAre(static_cast<float>(both[0].added[0])))
      << "a layer without a bias gets one";
  EXPECT_EQ(both[1].layer, "z");
  EXPECT_NEAR(both[1].added[0], 0.05, 1e-7) << "0.3 became 0.25";
  EXPECT_EQ(sequential.next(), "y");
  one.hand_over(values, "y", sequential);
  sequential.decide();
  EXPECT_EQ(sequential.next(), std::nullopt) << "nothing can be said of the layer behind the Transpose";
  const auto all = sequential.corrections();
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[1].layer, "t");
  EXPECT_FALSE(all[3].kept);
  EXPECT_THAT(all[3].reason, HasSubstr("through Transpose"));
}

}  // namespace
}  // namespace qcal
