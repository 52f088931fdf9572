// Output errors of layers whose errors can be told beforehand.
#include "engine/replay/layer_replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "engine/collect/tensor_parameters.h"
#include "tests/plan/plan_helpers.h"
#include "tests/support/graph_builder.h"
#include "tests/support/memory_dump.h"
#include "tests/support/test_backend.h"

namespace qcal {
namespace {

using ::testing::ElementsAre;
using testing::GraphBuilder;
using ::testing::IsEmpty;
using testing::MemoryDump;

TEST(SpreadBatches, AreEvenlySpread) {
  EXPECT_THAT(spread_batches(8, 4), ElementsAre(0, 2, 4, 6));
  EXPECT_THAT(spread_batches(5, 3), ElementsAre(0, 1, 3));
  EXPECT_THAT(spread_batches(3, 8), ElementsAre(0, 1, 2));
  EXPECT_THAT(spread_batches(3, 0), ElementsAre(0, 1, 2));
  EXPECT_THAT(spread_batches(0, 8), IsEmpty());
}

TEST(OutputError, InDecibels) {
  EXPECT_DOUBLE_EQ((OutputError{.signal = 100.0, .noise = 1.0}.decibels()), 20.0);
  EXPECT_EQ((OutputError{.signal = 1.0, .noise = 0.0}.decibels()), std::numeric_limits<double>::infinity());
}

// The parameters of every tensor of a plan, each with that scale.
QuantizationParameters parameters_of(const QuantizationPlan& plan, double input_scale, double weight_scale) {
  QuantizationParameters parameters;
  for (const PlannedTensor& tensor : plan.tensors) {
    TensorParameters& found = parameters.tensors.emplace_back(planned_parameters(tensor));
    found.scale = {tensor.role == Role::weights ? weight_scale : input_scale};
    found.zero_point = {0};
    found.amax = {found.scale.front() * 127.0};
  }
  return parameters;
}

struct Bench {
  Graph graph;
  MemoryDump dumps;
  QuantizationPlan plan;
  QuantizationParameters parameters;
  std::unique_ptr<ProductLibrary> library = open_product_library(*testing::test_backend());

  Bench(Graph built, double input_scale, double weight_scale)
      : graph(std::move(built)),
        plan(make_plan(graph, testing::configuration("\"layer_quantize_config\": []"))),
        parameters(parameters_of(plan, input_scale, weight_scale)) {}

  std::vector<ReplayedLayer> layers() const { return replayed_layers(graph, plan, parameters, dumps); }
  ReplayContext context(std::size_t most_batches = 0) const {
    return {graph, dumps, *library, Compatibility::standard, most_batches};
  }
};

Graph gemm_graph(std::vector<float> weights) {
  const auto count = static_cast<std::int64_t>(weights.size());
  return GraphBuilder()
      .input("x", {-1, count})
      .reals("w", {count, 1}, std::move(weights))
      .reals("b", {1}, {8.0F})
      .node("Gemm", {"x", "w", "b"}, {"y"}, {{"alpha", 2.0F}, {"beta", 0.5F}})
      .output("y")
      .build();
}

// y = 2 (3 x0 + 0.25 x1) + 4. With steps of 1 the inputs 10.25 and 2 become 10 and 2, the weights 3 and 0.
TEST(Replay, MeasuresEachSideAndBoth) {
  Bench bench(gemm_graph({3.0F, 0.25F}), 1.0, 1.0);
  bench.dumps.add("x", {1, 2}, {10.25F, 2.0F});
  const auto layers = bench.layers();
  ASSERT_EQ(layers.size(), 1u);
  const ReplayedLayer& layer = layers.front();
  ASSERT_EQ(layer.refused, "");
  const std::vector<ReplayVariant> variants{
      {}, {nullptr, layer.weights}, {layer.input, nullptr}, {layer.input, layer.weights}};
  const Replay measured = replay(bench.context(), layer, variants);
  EXPECT_EQ(measured.samples, 1);
  const double signal = 66.5 * 66.5;
  const double errors[] = {0.0, 1.0, 1.5, 2.5};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_DOUBLE_EQ(measured.errors[i].signal, signal);
    EXPECT_DOUBLE_EQ(measured.errors[i].noise, errors[i] * errors[i]);
  }
}

// An input that is uniform within a step of a quantizer is off by 1/12 of its square on average: the noise of
// one weight that is a whole number of steps is that times the weight's square.
TEST(Replay, FindsTheNoiseOfUniformInputs) {
  constexpr std::size_t samples = 100000;
  constexpr double step = 0.01;
  Bench bench(gemm_graph({3.0F}), step, 1.0);
  std::mt19937 generator(5);
  std::uniform_real_distribution<float> spread(-1.0F, 1.0F);
  std::vector<float> values(samples);
  for (float& value : values) value = spread(generator);
  bench.dumps.add("x", {static_cast<std::int64_t>(samples), 1}, std::move(values));
  const auto layers = bench.layers();
  const Replay measured =
      replay(bench.context(), layers.front(), std::vector<ReplayVariant>{{layers.front().input, nullptr}});
  const double expected = 36.0 * step * step / 12.0;
  // The square of a uniform error has a standard deviation of 2/sqrt(5) of its mean; 5 of the mean's own.
  const double tolerance = expected * 5.0 * 2.0 / std::sqrt(5.0 * static_cast<double>(samples));
  EXPECT_NEAR(measured.errors[0].noise / static_cast<double>(samples), expected, tolerance);
}

TEST(Replay, TakesAtMostSoManyBatches) {
  Bench bench(gemm_graph({3.0F}), 1.0, 1.0);
  for (int batch = 0; batch < 6; ++batch) bench.dumps.add("x", {2, 1}, {1.0F, static_cast<float>(batch)});
  const auto layers = bench.layers();
  const auto samples = [&](std::size_t most) {
    return replay(bench.context(most), layers.front(), std::vector<ReplayVariant>{{}}).samples;
  };
  EXPECT_EQ(samples(0), 12);
  EXPECT_EQ(samples(4), 8);
}

TEST(Replay, RefusesARecordingOfAnotherShape) {
  Bench bench(gemm_graph({3.0F, 1.0F}), 1.0, 1.0);
  bench.dumps.add("x", {1, 3}, {1.0F, 2.0F, 3.0F});
  const auto layers = bench.layers();
  EXPECT_EQ(replay(bench.context(), layers.front(), std::vector<ReplayVariant>{{}}).refused,
            "its input was recorded with shape 1x3");
}

TEST(ReplayedLayers, SayWhyTheyCannotBeRun) {
  const Bench bench(gemm_graph({3.0F}), 1.0, 1.0);
  EXPECT_EQ(bench.layers().front().refused, "its input \"x\" was not recorded");
}

TEST(ReplayedLayers, ReadTheRecordingThroughWhatKeepsTheOrder) {
  const Graph graph = GraphBuilder()
                          .input("x", {-1, 2, 1, 1})
                          .node("Flatten", {"x"}, {"flat"})
                          .reals("w", {2, 1}, {1.0F, 2.0F})
                          .node("Gemm", {"flat", "w"}, {"y"})
                          .output("y")
                          .build();
  Bench bench(graph, 1.0, 1.0);
  bench.dumps.add("x", {1, 2, 1, 1}, {1.0F, 2.0F});
  const auto layers = bench.layers();
  EXPECT_EQ(layers.front().refused, "");
  EXPECT_EQ(layers.front().source, "x");
  ASSERT_NE(layers.front().input, nullptr);
  EXPECT_EQ(layers.front().input->name, "x");
}

}  // namespace
}  // namespace qcal
